//! A fresh list of names and versions, to check whether the known state is up to date.

use std::collections::BTreeMap;

use kube::Resource;
use kube::api::{Api, ListParams};

use super::raw_object::RawObject;

/// The version of each object, by its name; `None` if the request fails.
pub(super) async fn list(api: Api<RawObject<true>>, labels: Option<String>) -> Option<BTreeMap<String, String>> {
    let parameters = ListParams { label_selector: labels, ..ListParams::default() };
    let list = api.list(&parameters).await.ok()?;
    let version =
        |object: &RawObject<true>| Some((object.meta().name.clone()?, object.meta().resource_version.clone()?));
    Some(list.items.iter().filter_map(version).collect())
}
