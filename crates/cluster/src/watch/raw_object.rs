//! An object as the API server sent it, for kube to list and watch without reading more than it needs.
//!
//! kube decodes a list as a whole, so a type that refused an odd object would lose all others with it.

use std::borrow::Cow;

use kube::Resource;
use kube::api::{ApiResource, ObjectMeta};
use kube::core::DynamicResourceScope;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// An object as JSON. Of a `METADATA_ONLY` one only the metadata is requested.
#[derive(Clone, Debug)]
pub(super) struct RawObject<const METADATA_ONLY: bool> {
    pub(super) json: Value,
    /// Only the name and the version, which is all that kube needs for a watch.
    metadata: ObjectMeta,
}

impl<'de, const METADATA_ONLY: bool> Deserialize<'de> for RawObject<METADATA_ONLY> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Map::deserialize(deserializer)?;
        if let Some(Value::Object(metadata)) = json.get_mut("metadata") {
            // To the API null means that the field is not set.
            metadata.retain(|_, field| !field.is_null());
        }
        let json = Value::Object(json);
        let field = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (name, resource_version) = (field("/metadata/name"), field("/metadata/resourceVersion"));
        Ok(Self { metadata: ObjectMeta { name, resource_version, ..ObjectMeta::default() }, json })
    }
}

impl<const METADATA_ONLY: bool> Resource for RawObject<METADATA_ONLY> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn metadata_api() -> bool {
        METADATA_ONLY
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
