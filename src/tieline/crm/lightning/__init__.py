"""Lightning web components of deployed packages: tabs that show them, what they run on, the Apex they call."""
