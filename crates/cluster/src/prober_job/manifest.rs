//! The manifest of a prober's Job, by the restricted Pod Security Standard and without access to the API server.

use k8s_openapi::api::batch::v1::Job;
use serde_json::json;

/// The label that all Jobs of probers have.
const NAME_LABEL: &str = "app.kubernetes.io/name";
/// The user of the published image; an image with another runs as this one too.
const USER: u32 = 65_532;
/// After this time the cluster ends a prober itself, in seconds: longer than any rollout that is waited for.
const LONGEST: u32 = 86_400;
/// How long a Job is kept that could not be deleted, in seconds.
const KEPT: u32 = 60;

/// The manifest of the Job of this name.
pub(super) fn job(name: &str, namespace: &str, image: &str) -> Result<Job, serde_json::Error> {
    let labels = json!({ NAME_LABEL: "lapse-prober", "app.kubernetes.io/managed-by": "lapse" });
    let container = json!({
        "name": "prober",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["prober"],
        "stdin": true,
        // Once the run at home is gone its stdin ends, and with it the prober.
        "stdinOnce": true,
        // No limit of the CPU: throttling would hold the prober up.
        "resources": {
            "requests": { "cpu": "200m", "memory": "64Mi" },
            "limits": { "memory": "512Mi" },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
    });
    serde_json::from_value(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": namespace, "labels": labels },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": LONGEST,
            "ttlSecondsAfterFinished": KEPT,
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "terminationGracePeriodSeconds": 2,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": USER,
                        "runAsGroup": USER,
                        "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [container],
                },
            },
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_whole_and_holds_no_more_than_the_image() {
        let made = job("lapse-prober-1", "shop", "lapse:1").unwrap();
        let text = serde_json::to_string(&made).unwrap();
        // A key that Kubernetes does not know would be lost on the way.
        for key in ["stdinOnce", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "seccompProfile", "requests"] {
            assert!(text.contains(key), "{key} in {text}");
        }
        assert!(text.contains(r#""args":["prober"]"#) && text.contains(r#""image":"lapse:1""#), "{text}");
        assert!(text.contains(r#""automountServiceAccountToken":false"#), "{text}");
    }
}
