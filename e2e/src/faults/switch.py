"""A switch between hosts that are network namespaces of this process. The paths between them can be impaired.

Usage: switch.py HOST ... The first host is the namespace in which this is started; each other host gets a new one. It
needs neither netem nor iptables nor bridges: each namespace has one TUN device, and this process carries the packets.

It prints one line of JSON when everything is up: each host's address and namespace (for `nsenter --net=`). Then each
line of JSON on its input changes paths, and is answered by one line when the change is in effect:
[["router-1", "nats-2", {"loss": 0.3, "delayMs": 40}]]. A path has one direction. A loss of 1 cuts it, and {} restores
it. At the end of its input the process ends, and its namespaces end with it, once no process is in them.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8922, 0x8914
IFF_UP_RUNNING = 0x1 | 0x40
MTU = 9000
# The packets of one host that are carried in one turn, and the packets that may wait for their delay.
TURN = 64
DELAYED_MAX = 20_000

libc = ctypes.CDLL(None, use_errno=True)


def address_of(index):
    return f"10.77.0.{index + 1}"


def interface_request(sock, request, name, value):
    fcntl.ioctl(sock, request, struct.pack("16s16s", name.encode(), value))


def internet(address):
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


def open_tun(address):
    """Opens a new TUN device in this thread's present namespace."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"lan", IFF_TUN_WITHOUT_HEADER))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        interface_request(sock, SIOCSIFADDR, "lan", internet(address))
        interface_request(sock, SIOCSIFNETMASK, "lan", internet("255.255.255.0"))
        interface_request(sock, SIOCSIFMTU, "lan", struct.pack("i12x", MTU))
        for name in ("lo", "lan"):
            interface_request(sock, SIOCSIFFLAGS, name, struct.pack("H14x", IFF_UP_RUNNING))
    return tun


def enter_new_namespace():
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "a network namespace could not be made; this needs root")


class Switch:
    def __init__(self, hosts):
        self.tuns = {}  # By address, in the packets' form.
        self.hosts = {}  # By name: what is reported to the caller.
        self.addresses = {}  # By name: the address in the packets' form.
        self.paths = {}  # By (from, to), both addresses: (loss, delay in seconds). Absent: healthy.
        self.delayed = []
        self.count = 0
        for index, name in enumerate(hosts):
            if index > 0:
                enter_new_namespace()
            address = address_of(index)
            namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            packed = socket.inet_aton(address)
            self.tuns[packed] = open_tun(address)
            self.addresses[name] = packed
            self.hosts[name] = {"address": address, "namespace": f"/proc/{os.getpid()}/fd/{namespace}"}

    def change(self, changes):
        for sender, receiver, path in changes:
            key = (self.addresses[sender], self.addresses[receiver])
            loss, delay = path.get("loss", 0), path.get("delayMs", 0) / 1_000
            if loss == 0 and delay == 0:
                self.paths.pop(key, None)
            else:
                self.paths[key] = (loss, delay)

    def carry(self, tun):
        for _ in range(TURN):
            try:
                packet = os.read(tun, MTU + 64)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4:
                continue  # IPv6's neighbour discovery is not carried.
            sender, receiver = packet[12:16], packet[16:20]
            path = self.paths.get((sender, receiver))
            if path is None:
                self.deliver(receiver, packet)
            elif random.random() >= path[0]:
                self.delay(path[1], receiver, packet)

    def delay(self, seconds, receiver, packet):
        if len(self.delayed) >= DELAYED_MAX:
            return  # A full queue loses packets, as a router's does.
        self.count += 1  # Equal times keep their order.
        heapq.heappush(self.delayed, (time.monotonic() + seconds, self.count, receiver, packet))

    def deliver(self, receiver, packet):
        tun = self.tuns.get(receiver)
        if tun is None:
            return
        try:
            os.write(tun, packet)
        except BlockingIOError:
            pass  # The packet is lost, and TCP sends it again.

    def deliver_due(self):
        """Delivers the packets that are due. Returns the seconds until the next one, or None if none waits."""
        while self.delayed:
            wait = self.delayed[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, receiver, packet = heapq.heappop(self.delayed)
            self.deliver(receiver, packet)
        return None

    def run(self):
        ready = selectors.DefaultSelector()
        for tun in self.tuns.values():
            ready.register(tun, selectors.EVENT_READ)
        ready.register(sys.stdin.buffer.raw, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select(self.deliver_due()):
                if key.fileobj is not sys.stdin.buffer.raw:
                    self.carry(key.fd)
                elif not self.obey():
                    return

    def obey(self):
        """The caller waits for each answer, so no second line is in the buffer, where no selector would see it."""
        line = sys.stdin.buffer.readline()
        if not line:
            return False
        self.change(json.loads(line))
        print("ok", flush=True)
        return True


switch = Switch(sys.argv[1:])
print(json.dumps(switch.hosts), flush=True)
switch.run()
