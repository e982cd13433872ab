"""Wrong answers to chapter 3's exercises on schedules."""
