"""The loop in a workspace: contacts and the ledger are read, tomorrow's contacts decided and recorded, effects measured."""
