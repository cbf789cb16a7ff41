"""The account's users as its administrators see and change them."""
