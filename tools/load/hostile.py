#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that mean ill, until they are ended: hostile.py KIND PORT."""

import os
import resource
import select
import socket
import sys
import time

SLOW = 2000
SLOW_S = 5  # one more byte of its header each
GARBAGE_RATE = 500
FLOODS = 4
REQUEST = b"GET /nobody/key HTTP/1.1\r\nHost: h\r\n\r\n"
UPLOAD = (b"PUT /nobody/key HTTP/1.1\r\nHost: h\r\n"
          b"Content-Length: 1073741824\r\n\r\n" + b"x" * 1000)


def connect(port):
    return socket.create_connection(("127.0.0.1", port))


def ready():
    print("ready", flush=True)


def has_ended(connection):
    """Whether the server has closed it. What it said is dropped."""
    try:
        return not connection.recv(1 << 16, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def keep(port, first, next_bytes):
    """Many connections that never end what they have begun. Who is cut off
    comes again."""
    def begin():
        connection = connect(port)
        connection.sendall(first)
        return connection

    many = [begin() for _ in range(SLOW)]
    ready()
    while True:
        for place, connection in enumerate(many):
            time.sleep(SLOW_S / SLOW)
            if not has_ended(connection):
                try:
                    connection.sendall(next_bytes)
                    continue
                except OSError:
                    pass
            connection.close()
            many[place] = begin()


def slow_headers(port):
    keep(port, b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ", b"x")


def bodies_that_stop(port):
    keep(port, UPLOAD, b"")


def garbage(port):
    ready()
    while True:
        with connect(port) as connection:
            connection.sendall(os.urandom(4096))
            connection.recv(4096)
        time.sleep(1 / GARBAGE_RATE)


def flood(port):
    """Requests without a pause between them, each of which is refused."""
    block = REQUEST * 1000
    many = [connect(port) for _ in range(FLOODS)]
    at = dict.fromkeys(many, 0)
    for connection in many:
        connection.setblocking(False)
    ready()
    while True:
        readable, writable, _ = select.select(many, many, [])
        for connection in readable:
            if not connection.recv(1 << 20):
                sys.exit("hostile: the flood was cut off")
        for connection in writable:
            at[connection] += connection.send(block[at[connection]:])
            at[connection] %= len(block)


def only_computes(_port):
    """No client at all, to tell what a busy CPU does by itself."""
    ready()
    while True:
        pass


KINDS = {"slow headers": slow_headers, "bodies that stop": bodies_that_stop,
         "garbage": garbage, "flood": flood, "only computes": only_computes}


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    KINDS[sys.argv[1]](int(sys.argv[2]))


if __name__ == "__main__":
    main()
