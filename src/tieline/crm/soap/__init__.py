"""The SOAP door: operations in one table, envelopes in and out."""
