//! A macro for closed sets of words: each variant, its word and its meaning on one line.

/// Declares an enum with a word for each variant, and `Other` for words that only another version of lapse knows. The
/// macro generates both directions, so a variant cannot lack its word.
macro_rules! words {
    (
        $(#[$about:meta])*
        $name:ident { $($variant:ident = $word:literal: $doc:literal;)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $doc] $variant,)+
            /// A word that this version does not know, as found in the journal of another version.
            Other(String),
        }

        impl $name {
            /// All variants but `Other`.
            pub const KNOWN: &[Self] = &[$(Self::$variant,)+];

            /// The word for the variant in the journal and in reports.
            pub const fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word.as_str(),
                }
            }

            /// The variant of this word; `Other` for an unknown word.
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
