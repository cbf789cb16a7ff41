"""What all HTTP doors share: errors, headers, sessions, pages. Knows no feature but identity."""
