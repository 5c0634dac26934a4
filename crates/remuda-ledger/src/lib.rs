//! remuda-ledger
