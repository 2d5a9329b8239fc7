"""What strace saw of a store at work, as calls that begin and end: (line, "begin", "end" or "gone", number of the
call, call)."""
import re

TRACED = ("write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,sync_file_range,copy_file_range,"
          "open,openat,creat,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,truncate")
STRACE = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "16777216", "-e", "trace=" + TRACED]
LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*?)(?: +<unfinished \.\.\.>|\) += (-?\d+|\?).*)$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
FILE = re.compile(r"(\d+)<([^>]*)>(\(deleted\))?")


class Call:
    """One call: its name, its arguments as far as they are known, and its result when it has one."""

    def __init__(self, name, arguments):
        self.name, self.arguments, self.result = name, arguments, None

    def text(self, which=0):
        """A text among its arguments, whole."""
        found = list(TEXT.finditer(self.arguments))[which]
        if found.group(2):
            raise SystemExit("strace cut a text short")
        return plain(found.group(1))

    def path(self, which=0):
        return self.text(which).decode()

    def file(self):
        """The descriptor that it is about, and the path of that; none when that has no name any more."""
        found = FILE.match(self.arguments)
        if found is None or found.group(3) or found.group(2).endswith(DELETED):
            return None, None
        return int(found.group(1)), plain(found.group(2)).decode()

    def number(self, from_last):
        return int(self.arguments.rsplit(", ", from_last)[-from_last].split(",")[0])


DELETED = "".join(f"\\x{byte:02x}" for byte in b" (deleted)")


def plain(text):
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def read(lines):
    """The trace's calls in the order in which they were seen. One that the process's end met is gone
    then: whether it was made is not known."""
    under_way, number, unended = {}, 0, {}
    for at, line in enumerate(lines):
        found = LINE.match(line)
        if found is None:
            # Ends, signals, and calls of which a process's end left not even the name.
            if not any(sign in line for sign in (" +++ ", " --- ", " ???(", " <... ???")):
                raise SystemExit(f"line {at + 1} of the trace is not understood: {line[:200]}")
            continue
        thread, name, arguments, result = found.groups()
        if " resumed>" in line[:60]:
            known, call = under_way.pop(thread)
            call.arguments += arguments
        else:
            number += 1
            known, call = number, Call(name, arguments)
            unended[known] = call
            yield at, "begin", known, call
        if result is None:
            under_way[thread] = known, call
        elif result != "?":
            call.result = int(result)
            del unended[known]
            yield at, "end", known, call
    for known, call in unended.items():
        yield at, "gone", known, call
