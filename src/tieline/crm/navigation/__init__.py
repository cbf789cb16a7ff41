"""Apps of the org: what their navigation and utility bars hold, and what each user chose."""
