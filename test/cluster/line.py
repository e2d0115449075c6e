"""A line between two sites, in user space: `line.py NAMESPACE NAMESPACE`.

Two TUN devices called `line`, one in each network namespace, and between them packets that are late, lost or rare on
purpose. It does what netem does, for kernels that have none (virtual machines of clouds often do not). On standard
input come its settings, one JSON object a line: delay (seconds one way), loss (0 to 1), rate (bytes a second, 0: any),
cut (true: nothing passes). On standard output it says `ready`, and `set` when a line of settings has taken effect.
"""

import collections
import ctypes
import fcntl
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
CLONE_NEWNET = 0x40000000
# What a router would hold; beyond it packets are lost, and TCP slows down.
QUEUED_BYTES = 4 * 1024 * 1024

libc = ctypes.CDLL(None, use_errno=True)


def tun_in(namespace):
    with open(namespace, "rb") as place:
        if libc.setns(place.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + namespace)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"line", IFF_TUN | IFF_NO_PI))
    return device


class Direction:
    """Packets on their way from one end to the other, in the order in which they arrive."""

    def __init__(self, source, target):
        self.source = source
        self.target = target
        self.queue = collections.deque()
        self.bytes = 0
        self.free_at = 0.0

    def take(self, settings):
        while True:
            try:
                packet = os.read(self.source, 65536)
            except (BlockingIOError, OSError):
                return
            if settings["cut"] or random.random() < settings["loss"]:
                continue
            if self.bytes + len(packet) > QUEUED_BYTES:
                continue
            now = time.monotonic()
            begin = max(now, self.free_at)
            if settings["rate"] > 0:
                begin += len(packet) / settings["rate"]
                self.free_at = begin
            self.queue.append((begin + settings["delay"], packet))
            self.bytes += len(packet)

    def give(self, now, settings):
        while self.queue and self.queue[0][0] <= now:
            _, packet = self.queue.popleft()
            self.bytes -= len(packet)
            if settings["cut"]:
                continue
            try:
                os.write(self.target, packet)
            except OSError:
                pass


def main():
    one, other = tun_in(sys.argv[1]), tun_in(sys.argv[2])
    ways = [Direction(one, other), Direction(other, one)]
    settings = {"delay": 0.0, "loss": 0.0, "rate": 0, "cut": False}
    poll = select.poll()
    for readable in (one, other, 0):
        poll.register(readable, select.POLLIN)
    text = b""
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        due = min((way.queue[0][0] for way in ways if way.queue), default=None)
        wait = None if due is None else max(0.0, (due - now) * 1000)
        for readable, _ in poll.poll(wait):
            if readable != 0:
                continue
            said = os.read(0, 65536)
            if not said:
                return
            text += said
            while b"\n" in text:
                line, text = text.split(b"\n", 1)
                settings.update(json.loads(line))
                print("set", flush=True)
        for way in ways:
            way.take(settings)
            way.give(time.monotonic(), settings)


main()
