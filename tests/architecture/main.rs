//! Holds the source against `ARCHITECTURE.md`: who may use whom, and how long a file may be.

#[cfg(test)]
mod rules;
#[cfg(test)]
mod source;
#[cfg(test)]
mod table;
