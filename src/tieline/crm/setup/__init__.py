"""Set-up: what an administrator's clicks do, page by page; and what every door of it starts with."""

from .administration import administering, body_of, setup_setting, store_setting

__all__ = ["administering", "body_of", "setup_setting", "store_setting"]
