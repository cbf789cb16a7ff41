"""Events of an org: changes of chosen objects, platform events, and their delivery by CometD and Pub/Sub."""
