# SPDX-License-Identifier: GPL-2.0-only
"""Archives in the "newc" form that the kernel takes as its initramfs.

Everything belongs to root, has no date, and comes in the order in which it is
added: the same input makes the same bytes. Archives can be joined end to end.
"""

import os
import stat


def _read(path):
    with open(path, "rb") as file:
        return file.read()


class Archive:
    """An archive that grows in a binary file.

    Missing parent directories are added by themselves; of two entries with one
    name the kernel keeps the later one.
    """

    def __init__(self, out):
        self.out = out
        self.inode = 0
        self.directories = {""}

    def _pad(self, size):
        self.out.write(b"\0" * (-size % 4))

    def _entry(self, name, mode, data=b"", links=1):
        self.inode += 1
        encoded = os.fsencode(name) + b"\0"
        fields = (self.inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        self.out.write(b"070701" + b"".join(b"%08x" % field for field in fields))
        self.out.write(encoded)
        self._pad(110 + len(encoded))
        self.out.write(data)
        self._pad(len(data))

    def directory(self, name, mode=0o755):
        """Add a directory, and those above it."""
        name = name.strip("/")
        if name in self.directories:
            return
        self.directory(os.path.dirname(name))
        self.directories.add(name)
        self._entry(name, stat.S_IFDIR | mode, links=2)

    def file(self, name, data, mode=0o644):
        """Add a regular file with the given bytes."""
        name = name.strip("/")
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        """Add a symbolic link."""
        name = name.strip("/")
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def copy(self, source, name, read=None):
        """Add a file, or a directory with all it holds, of the host.

        read takes the path of a regular file and returns its bytes, perhaps changed.
        """
        status = os.lstat(source)
        if stat.S_ISDIR(status.st_mode):
            self.directory(name)
            for child in sorted(os.listdir(source)):
                self.copy(os.path.join(source, child), f"{name}/{child}", read)
        elif stat.S_ISLNK(status.st_mode):
            self.symlink(name, os.readlink(source))
        elif stat.S_ISREG(status.st_mode):
            self.file(name, (read or _read)(source), stat.S_IMODE(status.st_mode))
        else:
            raise OSError(f"{source}: neither a file nor a directory nor a symbolic link")

    def close(self):
        """End the archive; the file stays open."""
        self.inode = -1
        self._entry("TRAILER!!!", 0)
