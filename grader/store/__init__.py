"""What is kept of a class: one row a submission, in a database that survives a crash at any moment.

SQLite in a file (write-ahead log), or any server that SQLAlchemy speaks to. One process writes. The record in a row is
the same JSON as `results/NAME.json`: everything else (tables, reports, exports) can be made from it again.
"""

from .store import Change, Row, Store, StoreError

__all__ = ["Change", "Row", "Store", "StoreError"]
