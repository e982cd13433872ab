"""Code that never ends, ends too much, or takes all there is."""

from hostile import FORMULAS, FORWARD, hostile, instead, on_import

SLOW = "is there an endless loop?"
DIED = "Python process"


@hostile(lost=("3.7",), says=SLOW)
def endless_loop(folder, world):
    instead(folder, world, "while True:\n    pass")


@hostile(lost=FORMULAS, says=SLOW)
def endless_loop_on_import(folder, world):
    on_import(folder, world, "while True:\n    pass", "forward_formulas")


@hostile(lost=("3.7",))
def endless_loop_that_swallows_everything(folder, world):
    instead(folder, world, """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass""")


@hostile(lost=("3.7",))
def endless_loop_that_blocks_signals(folder, world):
    instead(folder, world, """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
signal.setitimer(signal.ITIMER_REAL, 0)
while True:
    pass""")


@hostile(lost=("3.7",))
def endless_sleep(folder, world):
    instead(folder, world, "import time\ntime.sleep(10**6)")


@hostile(lost=("3.7",))
def loop_in_c(folder, world):
    instead(folder, world, "return 7 ** (10**9)")


@hostile(lost=("3.7",))
def catastrophic_regular_expression(folder, world):
    instead(folder, world, "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')")


@hostile(lost=("3.7",))
def fork_bomb(folder, world):
    instead(folder, world, """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass""")


@hostile(lost=("3.7",))
def thread_bomb(folder, world):
    instead(folder, world, """
import threading, time
while True:
    try:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    except RuntimeError:
        pass""")


@hostile(lost=("3.7",))
def memory_bomb(folder, world):
    instead(folder, world, """
held = []
while True:
    held.append(bytearray(64 << 20))
    held[-1][::4096] = b'x' * len(held[-1][::4096])""")


@hostile(lost=("3.7",))
def memory_bomb_of_many_processes(folder, world):
    instead(folder, world, """
import os, time
for _ in range(8):
    if os.fork() == 0:
        held = bytes(900 << 20)
        time.sleep(1000)
held = []
while True:
    held.append(bytes(100 << 20))""")


@hostile(lost=("3.7",))
def disk_bomb(folder, world):
    instead(folder, world, """
import itertools
for number in itertools.count():
    for place in ('/tmp', '.', '/dev/shm', '/var/tmp'):
        try:
            with open(f'{place}/bomb-{number}', 'wb') as stream:
                stream.write(bytes(16 << 20))
        except OSError:
            pass""")


@hostile(lost=("3.7",))
def bomb_of_small_files(folder, world):
    instead(folder, world, """
import itertools
for number in itertools.count():
    try:
        open(f'/tmp/{number}', 'w').close()
    except OSError:
        pass""")


@hostile(lost=("3.7",))
def flood_of_output(folder, world):
    instead(folder, world, "while True:\n    print('flood ' * 10_000)")


@hostile(lost=("3.7",))
def flood_of_raw_output(folder, world):
    instead(folder, world, "import os\nwhile True:\n    os.write(1, b'x' * 65536)\n    os.write(2, b'y' * 65536)")


@hostile(lost=("3.7",), says=DIED)
def exits_at_once(folder, world):
    instead(folder, world, "import os\nos._exit(0)")


@hostile(lost=FORWARD, says=DIED)
def exits_on_import(folder, world):
    on_import(folder, world, "import os\nos._exit(0)")


@hostile(lost=("3.7",), says="SystemExit")
def exits_politely(folder, world):
    instead(folder, world, "import sys\nsys.exit(0)")


@hostile(lost=("3.7",))
def raises_what_is_no_exception(folder, world):
    instead(folder, world, "class Strange(BaseException):\n    pass\nraise Strange('2 of 2 points')")


@hostile(lost=("3.7",))
def interrupts_as_if_by_hand(folder, world):
    instead(folder, world, "raise KeyboardInterrupt")


@hostile(lost=("3.7",), says=DIED)
def kills_itself(folder, world):
    instead(folder, world, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")


@hostile(lost=("3.7",))
def kills_its_parent(folder, world):
    instead(folder, world, "import os, signal\nfor _ in range(10):\n    os.kill(os.getppid(), signal.SIGKILL)\nreturn 0")


@hostile(lost=("3.7",))
def kills_everyone(folder, world):
    instead(folder, world, "import os, signal\nos.kill(-1, signal.SIGKILL)\nos.killpg(0, signal.SIGKILL)\nreturn 0")


@hostile(lost=("3.7",), says=DIED)
def breaks_the_interpreter(folder, world):
    instead(folder, world, "import ctypes\nctypes.string_at(0)")


@hostile(lost=("3.7",), says=DIED)
def aborts(folder, world):
    instead(folder, world, "import os\nos.abort()")


@hostile(lost=("3.7",), says="RecursionError")
def calls_itself_for_ever(folder, world):
    instead(folder, world, "return q_sample_ve(*args, **keywords)")


@hostile(lost=("3.7",))
def calls_itself_beyond_the_stack(folder, world):
    instead(folder, world, "import sys\nsys.setrecursionlimit(10**9)\nreturn q_sample_ve(*args, **keywords)")


@hostile(lost=("3.7",))
def stops_its_parent(folder, world):
    instead(folder, world, "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\nos.kill(os.getpid(), signal.SIGSTOP)")


@hostile()
def leaves_threads_that_go_on(folder, world):
    on_import(folder, world, """
import threading

def _go_on():
    while True:
        sum(range(1000))

for _ in range(3):
    threading.Thread(target=_go_on, daemon=True).start()
""")


@hostile()
def leaves_a_thread_that_never_ends(folder, world):
    on_import(folder, world, "import threading, time\nthreading.Thread(target=time.sleep, args=(10**6,)).start()\n", "schedules")


@hostile()
def leaves_a_daemon(folder, world):
    on_import(folder, world, """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        os.execv('/bin/sh', ['/bin/sh', '-c', 'while true; do echo alive >> @OUTSIDE@/beacon; sleep 1; done # @BEACON@'])
    os._exit(0)
""")
