//! A source cut into its documents, so that one which cannot be read does not hide the others.

/// A document of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// The text, with the `---` that opens it.
    pub(crate) text: &'a str,
    /// The line in the source on which the text starts, counted from one.
    pub(crate) first_line: usize,
    /// The template that helm made it from, by the comment `# Source:`.
    pub(crate) template: Option<&'a str>,
}

/// Cuts `text` before each line that is a document marker. No scalar can contain such a line.
pub(crate) fn split(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut first_line) = (0, 1);
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if is_marker(line) && at > start {
            documents.push(document(&text[start..at], first_line));
            (start, first_line) = (at, index + 1);
        }
        at += line.len();
    }
    documents.push(document(&text[start..], first_line));
    documents.retain(Document::has_content);
    documents
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn document(text: &str, first_line: usize) -> Document<'_> {
    let template = text.lines().take(5).find_map(|line| line.strip_prefix("# Source: "));
    Document { text, first_line, template: template.map(str::trim) }
}

impl<'a> Document<'a> {
    /// Whether there is more than comments, directives and markers.
    fn has_content(&self) -> bool {
        self.text.lines().any(|line| {
            let line = if is_marker(line) { line[3..].trim() } else { line.trim() };
            !line.is_empty() && !line.starts_with(['#', '%']) && line != "..."
        })
    }

    /// The first line with a `{{` outside of comments, counted in the source, and its text.
    pub(crate) fn template_line(&self) -> Option<(usize, &'a str)> {
        let lines = self.text.lines().enumerate();
        let mut with = lines.filter(|(_, line)| line.contains("{{") && !line.trim_start().starts_with('#'));
        with.next().map(|(index, line)| (self.first_line + index, line.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_lines_and_templates() {
        let text = "# top\n---\n# Source: shop/templates/a.yaml\na: 1\n---\n# only a comment\n--- # same line\nb: |\n  ---\n...\n";
        let documents = split(text);
        let seen: Vec<_> = documents.iter().map(|document| (document.first_line, document.template)).collect();
        assert_eq!(seen, [(2, Some("shop/templates/a.yaml")), (7, None)]);
    }

    #[test]
    fn a_text_without_markers_is_one_document() {
        assert_eq!(split("a: 1\n").len(), 1);
        assert!(split("").is_empty());
        assert!(split("---\n---\n\n").is_empty());
        assert_eq!(split("---\r\na: 1\r\n---\r\nb: 1\r\n").len(), 2);
    }
}
