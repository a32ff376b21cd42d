//! A recorded run as one file that can be handed on.
//!
//! What may be secret is taken out of its journal first ([`redact`]); the reports are to be made of that journal. Then
//! they are packed ([`archive`]). An archive may come from anywhere, so unpacking one writes only files of known names,
//! and no more than a journal of its size can hold.

pub mod archive;
pub mod redact;
mod secret;
