"""The test phone and the website visitor's call page: callers in a browser, on the embedded switch."""
