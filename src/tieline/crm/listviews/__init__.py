"""List views: which records of an object a list shows, in which columns and order."""
