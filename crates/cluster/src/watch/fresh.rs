//! A list read afresh, to know whether what was heard is all there is.

use std::collections::BTreeMap;

use kube::api::{Api, DynamicObject, ListParams};

/// Names and versions.
pub(super) async fn list(api: Api<DynamicObject>, labels: Option<String>) -> Option<BTreeMap<String, String>> {
    let parameters = ListParams { label_selector: labels, ..ListParams::default() };
    let list = api.list_metadata(&parameters).await.ok()?;
    let named =
        list.items.into_iter().filter_map(|object| Some((object.metadata.name?, object.metadata.resource_version?)));
    Some(named.collect())
}
