"""The formula language of validation rules: text to a checked formula, a formula and a record to a value."""
