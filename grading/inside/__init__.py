"""What runs inside the sandbox. It imports nothing of ``grading``, and of ``ddpmlib`` only what cannot judge."""
