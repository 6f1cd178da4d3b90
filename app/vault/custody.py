"""Where the roots live, outside the database: the file backend, labelled development custody."""

import os
from pathlib import Path
from typing import Protocol

from app.clock import random_bytes
from app.vault.sealing import KEY_SIZE_BYTES

FILE_MODE = 0o600
RECEIPT_KEY_FILE = "receipts.key"
LABEL = "development custody: files on this machine, not a hardware module\n"


class Custody(Protocol):
    """A place for roots. ``create_root`` answers the same root when called twice."""

    def root(self, epoch: int) -> bytes | None:
        """The root of an epoch, or None when it is not (or no longer) here."""
        ...

    def create_root(self, epoch: int) -> bytes:
        """Makes the root of an epoch durable before it is used."""
        ...

    def destroy_root(self, epoch: int) -> bool:
        """Makes the root of an epoch irrecoverable here; False when it was not here any more."""
        ...

    def suppression_key(self) -> bytes:
        """The key of the suppression register: one for the life of the ledger."""
        ...

    def signing_key(self) -> bytes:
        """The seed of the key that signs packages and receipts: one for the life of the ledger."""
        ...

    def receipt_key(self) -> bytes | None:
        """The seed of the key that signs receipts, or None when it is not here."""
        ...

    def create_receipt_key(self) -> bytes:
        """Makes that seed durable before any receipt is signed."""
        ...

    def link_key(self) -> bytes:
        """The key of links in mails; another one ends every link that was given."""
        ...


class KeyFileUnsafe(Exception):
    """A key file can be read by others; chmod it to 0600 and consider the key known."""


class FileCustody:
    """32-byte files of mode 0600 in one folder of mode 0700, never in a backup of the database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def root(self, epoch: int) -> bytes | None:
        """The root of an epoch, or None when its file is gone."""
        return self._read(self._root_path(epoch))

    def create_root(self, epoch: int) -> bytes:
        """Creates the root's file, synced to disk, unless it is there."""
        return self._read_or_create(self._root_path(epoch))

    def destroy_root(self, epoch: int) -> bool:
        """Writes over the root's file and removes it, each on disk before the next.

        That is what a program can do with a file. A file system that copies on write, the disk
        below it, and any copy of the folder may still have the bytes.
        """
        path = self._root_path(epoch)
        try:
            descriptor = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            return False
        try:
            os.write(descriptor, random_bytes(KEY_SIZE_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink(missing_ok=True)
        self._sync_folder()
        return True

    def suppression_key(self) -> bytes:
        """Creates the key's file on first use."""
        return self._read_or_create(self._folder / "suppression.key")

    def signing_key(self) -> bytes:
        """Creates the seed's file on first use."""
        return self._read_or_create(self._folder / "signing.key")

    def receipt_key(self) -> bytes | None:
        """The seed in its file, or None: a process that serves makes no key that nobody knows."""
        return self._read(self._folder / RECEIPT_KEY_FILE)

    def create_receipt_key(self) -> bytes:
        """Creates the seed's file, synced to disk, unless it is there."""
        return self._read_or_create(self._folder / RECEIPT_KEY_FILE)

    def link_key(self) -> bytes:
        """Creates the key's file on first use."""
        return self._read_or_create(self._folder / "links.key")

    def checkpoint_key(self) -> bytes:
        """The seed of the key that signs checkpoints: for the integrator, and nobody else.

        Creates its file on first use.
        """
        return self._read_or_create(self._folder / "checkpoint.key")

    def witness_key(self) -> bytes:
        """The seed of the key that cosigns other logs: never the one that signs our own.

        Creates its file on first use.
        """
        return self._read_or_create(self._folder / "witness.key")

    def _root_path(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch:04d}.root"

    def _read(self, path: Path) -> bytes | None:
        try:
            if path.stat().st_mode & 0o077:
                raise KeyFileUnsafe(f"{path.name} is readable by others; chmod 600 it")
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def _sync_folder(self) -> None:
        """A name is on disk when its folder is: what a crash takes of it, nobody reads again."""
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read_or_create(self, path: Path) -> bytes:
        existing = self._read(path)
        if existing is not None:
            return existing
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "CUSTODY").write_text(LABEL)
        # Written aside and linked into place: two processes that start together agree on one key,
        # and a crash leaves either no key or a whole one.
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        try:
            os.write(descriptor, random_bytes(KEY_SIZE_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
        self._sync_folder()
        created = self._read(path)
        assert created is not None
        return created
