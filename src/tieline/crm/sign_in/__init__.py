"""How people and programs get in: forms, OAuth, OpenID, devices, the apps that may, and how often one may guess."""
