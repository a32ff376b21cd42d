//! The parts of a container image's reference, and what its name tells.

/// An image's reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Image<'a> {
    /// All of it.
    pub(crate) reference: &'a str,
    /// Registry and path, without tag and digest.
    pub(crate) repository: &'a str,
    /// The tag, if any.
    pub(crate) tag: Option<&'a str>,
}

impl<'a> Image<'a> {
    pub(crate) fn parse(reference: &'a str) -> Self {
        let named = reference.split_once('@').map_or(reference, |(named, _)| named);
        let slash = named.rfind('/').map_or(0, |at| at + 1);
        match named[slash..].split_once(':') {
            Some((last, tag)) => Self {
                reference,
                repository: &named[..slash + last.len()],
                tag: Some(tag).filter(|tag| !tag.is_empty()),
            },
            None => Self { reference, repository: named, tag: None },
        }
    }

    /// The last part of the repository, such as `nginx`.
    pub(crate) fn base(&self) -> &'a str {
        self.repository.rsplit('/').next().unwrap_or(self.repository)
    }

    /// Whether the image is made without a shell.
    pub(crate) fn has_no_shell(&self) -> bool {
        let bare = self.repository.contains("distroless") || self.base() == "scratch" || self.base() == "static";
        bare && !self.tag.is_some_and(|tag| tag.contains("debug") || tag.contains("shell"))
    }

    /// Whether the image is an Alpine one, which has no bash.
    pub(crate) fn is_alpine(&self) -> bool {
        self.base() == "alpine" || self.tag.is_some_and(|tag| tag.contains("alpine"))
    }

    /// Whether it is the official nginx image.
    pub(crate) fn is_official_nginx(&self) -> bool {
        matches!(self.repository, "nginx" | "library/nginx" | "docker.io/nginx" | "docker.io/library/nginx")
    }

    /// The first numbers of the tag: `1.19.2-alpine` is `[1, 19, 2]`; empty if it does not start with one.
    pub(crate) fn version(&self) -> Vec<u32> {
        let tag = self.tag.unwrap_or_default();
        let numbers = tag.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
        numbers.split('.').map_while(|part| part.parse().ok()).collect()
    }

    /// Whether its name or tag tells of a Java virtual machine.
    pub(crate) fn is_java(&self) -> bool {
        const WORDS: [&str; 7] = ["openjdk", "temurin", "corretto", "-jdk", "-jre", "tomcat", "spring"];
        WORDS.iter().any(|word| self.reference.contains(word))
    }

    /// Whether it is the ingress controller of the Kubernetes project.
    pub(crate) fn is_ingress_nginx(&self) -> bool {
        self.repository.ends_with("ingress-nginx/controller") || self.base() == "nginx-ingress-controller"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let parts = |reference| (Image::parse(reference).repository, Image::parse(reference).tag);
        assert_eq!(parts("nginx"), ("nginx", None));
        assert_eq!(parts("localhost:5000/a/b"), ("localhost:5000/a/b", None));
        assert_eq!(parts("localhost:5000/a/b:1.2@sha256:00"), ("localhost:5000/a/b", Some("1.2")));
        assert_eq!(Image::parse("docker.io/library/nginx:1.19.2-alpine").version(), [1, 19, 2]);
        assert_eq!(Image::parse("nginx:stable").version(), [0; 0]);
        assert!(Image::parse("gcr.io/distroless/static-debian12:nonroot").has_no_shell());
        assert!(!Image::parse("gcr.io/distroless/static-debian12:debug").has_no_shell());
    }
}
