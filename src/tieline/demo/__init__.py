"""The demo: everything on one machine, made by the calls that an administrator's clicks make."""
