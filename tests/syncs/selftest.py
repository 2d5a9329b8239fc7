"""A trace by hand in which all is well, and the same with one thing wrong at a time: each has to be found."""
from trace import Trace

FOLLOWERS = 10  # Messages in the one batch, so that a sync for all of them is a tenth.


def good():
    ids = [f"sync-0-{n}-" for n in range(FOLLOWERS)]
    acks = ['9 1.6 sendto(%d<socket:[4%d]>, "\\201~\\0\\201{\\"type\\":\\"ack\\",\\"client_id\\":\\"%s\\"}", 99, '
            "MSG_NOSIGNAL, NULL, 0) = 99" % (30 + n, n, client_id) for n, client_id in enumerate(ids)]
    return {
        "wait": ["9 1.0 epoll_wait(4<anon_inode:[eventpoll]>, [], 1024, 0) = 0"],
        "write": ['7 1.1 pwrite64(5</d/log.db-wal>, "\\r\\0%s", 8192, 24 <unfinished ...>' % " ".join(ids)],
        "wait within": ["9 1.2 epoll_wait(4<anon_inode:[eventpoll]>,  <unfinished ...>"],
        "written": ["7 1.2 <... pwrite64 resumed>) = 8192"],
        "sync": ["7 1.3 fsync(5</d/log.db-wal> <unfinished ...>"],
        "synced": ["7 1.4 <... fsync resumed>) = 0"],
        "turn": ["9 1.5 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=1, u64=1}}], 1024, -1) = 1"],
        "acks": acks,
        "next": ["9 1.7 epoll_wait(4<anon_inode:[eventpoll]>, [], 1024, 0) = 0"],
        "again": ['9 1.8 sendto(30<socket:[40]>, "\\212\\0", 2, MSG_NOSIGNAL, NULL, 0) = 2'],
        "other": ['8 1.9 write(6<anon_inode:[eventfd]>, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8'] * 2,
    }


def judge(parts, order=None, shards=1):
    lines = [line for part in order or parts for line in parts[part]]
    return Trace().read(lines).judge(FOLLOWERS, shards)


def moved(part, before):
    order = [name for name in good() if name != part]
    order.insert(order.index(before), part)
    return order


def self_test():
    assert not judge(good()), judge(good())
    other_file = ["7 1.3 fsync(5</d/index.db-wal> <unfinished ...>"]
    doctored = {
        "no sync": judge({**good(), "sync": [], "synced": []}),
        "the acknowledgements before the sync": judge(good(), moved("acks", "sync")),
        "the acknowledgements during the sync": judge(good(), moved("acks", "synced")),
        "the sync before the write": judge(good(), moved("sync", "write")),
        "the sync during the write": judge(good(), moved("sync", "written")),
        "a sync that failed": judge({**good(), "synced": ["7 1.4 <... fsync resumed>) = -1 EIO (Input/output error)"]}),
        "a sync of another file": judge({**good(), "sync": other_file}),
        "a write that failed": judge({**good(), "written": ["7 1.2 <... pwrite64 resumed>) = -1 ENOSPC (No space)"]}),
        "a write cut by strace": judge({**good(), "write": [good()["write"][0].replace('",', '"...,')]}),
        "two writes to a socket in a turn": judge(good(), moved("again", "next")),
        "an acknowledgement lost": judge({**good(), "acks": good()["acks"][1:]}),
        "too many syncs": judge({**good(), "again": ["7 2.0 fdatasync(9</d/index.db>) = 0"]}),
        "another number of shards": judge(good(), shards=2),
    }
    for what, wrong in doctored.items():
        assert wrong, f"a trace with {what} is taken for good"
    print(f"Syncs self-test: {len(doctored)} doctored traces, all refused")
