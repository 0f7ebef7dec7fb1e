# SPDX-License-Identifier: Apache-2.0
"""A Redis of a test's own, on a Unix socket, nothing of it on disk. Debian's redis-tools has the server in the file
redis-check-rdb, which asks its argv[0] what it is.

    with RedisServer(folder) as redis:      # folder: a short path, for the socket's name
        redis.ask("FLUSHALL")
"""
import os
import signal
import subprocess
import time

FILE = "/usr/bin/redis-check-rdb"


class RedisServer:
    def __init__(self, folder, users=()):
        """users: lines of its access list, as behind `user` in redis.conf; the default user may do everything."""
        self.socket = os.path.join(str(folder), "redis.sock")
        self.conf = os.path.join(str(folder), "redis.conf")
        self.process = None
        lines = ["port 0", "unixsocket " + self.socket, "dir " + str(folder), 'save ""', "appendonly no", "loglevel warning"]
        with open(self.conf, "w") as f:
            f.write("\n".join(lines + ["user " + line for line in users]) + "\n")

    def start(self, timeout=20.0):
        import redis
        self.process = subprocess.Popen(["redis-server", self.conf], executable=FILE, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + timeout
        while True:
            try:
                assert self.ask("PING")
                return self
            except redis.exceptions.ConnectionError:
                assert self.process.poll() is None and time.monotonic() < deadline, "Redis does not start"
                time.sleep(0.02)

    def ask(self, *words):
        import redis
        client = redis.Redis(unix_socket_path=self.socket)
        try:
            return client.execute_command(*words)
        finally:
            client.close()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process is not None:
            self.process.kill()         # ends a stopped one too
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
