//! A closed set of words: a variant, its spelling and its meaning on one line each.

/// Declares an enum with a spelling for each variant, and `Other` for a word of another version of lapse. A variant
/// cannot be without a spelling, and a spelling is read back to its variant.
macro_rules! words {
    (
        $(#[$about:meta])*
        $name:ident { $($variant:ident = $word:literal: $doc:literal;)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $doc] $variant,)+
            /// A word that this version does not know, as it is spelt in the journal of another one.
            Other(String),
        }

        impl $name {
            /// All of them but `Other`.
            pub const KNOWN: &[Self] = &[$(Self::$variant,)+];

            /// The spelling, in the journal and in reports.
            pub const fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word.as_str(),
                }
            }

            /// The one that is spelt so. No word is refused: what is unknown is `Other`.
            pub fn from_name(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(super) use words;
