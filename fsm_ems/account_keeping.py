"""The accounts' files beside a running EMS: written in a thread, from durable records alone."""

from __future__ import annotations

import trio

from fsm_ems.account_books import AccountBooks, write
from fsm_ems.dialogs.record import Booked
from fsm_ems.operator_log import operator_log
from fsm_ems.promises import Promises

ACCOUNTS_EVERY_S = 1.0
"""How far the accounts' files may be behind the records."""


class AccountKeeping:
    """Keeps the files of *books* in step."""

    def __init__(self, books: AccountBooks, promises: Promises) -> None:
        self._books = books
        self._promises = promises
        self._booked = trio.Event()

    def take(self, booked: Booked) -> None:
        """Something was booked: the files are behind."""
        self._books.take(booked)
        self._booked.set()

    async def keep(self) -> None:
        """Write, at most once in :data:`ACCOUNTS_EVERY_S`, for as long as this runs."""
        while True:
            await self._booked.wait()
            await trio.sleep(ACCOUNTS_EVERY_S)
            await self._write()

    async def finish(self) -> None:
        """Write what is still to be written, and how far the records have come: so an older copy shows."""
        await self._write()

    async def _write(self) -> None:
        """Write what the files are behind with, in a thread: the loop goes on."""
        self._booked = trio.Event()
        work = self._books.work()
        try:
            await self._promises.durable(work.projection.seq)
            aside = await trio.to_thread.run_sync(write, work)
        except OSError as error:
            self._books.again()
            self._booked.set()
            operator_log().error("accounts not written", folder=str(self._books.folder), why=str(error))
            return
        except trio.Cancelled:  # no thread had begun
            self._books.again()
            raise
        for one in aside:
            operator_log().error("account file set aside", why=str(one))
