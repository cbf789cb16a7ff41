"""SOQL and SOSL: text to a tree, a tree to SQL within what the user may see, rows to answers."""
