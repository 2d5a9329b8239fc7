//! The stores: bodies for [`crate::port::Store`], held to one contract.
