//! The requests to the API server about a prober's Job.

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, AttachParams, DeleteParams, ListParams, LogParams, PostParams};
use kube::{Client, ResourceExt};
use tokio::time::{sleep, timeout};

use super::super::Error;
use super::super::watch::api::config;
use super::pod_state::{self, PodState};
use super::{Attached, JobError, JobPlan, manifest};

/// The timeout of a request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a pod may take to start, which includes pulling its image.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long no node may take a pod, and no pod may be made.
const SCHEDULE_TIMEOUT: Duration = Duration::from_secs(30);
/// The time between two looks at the pod while it starts.
const LOOK: Duration = Duration::from_millis(200);
/// The lines of the prober's log that an error has.
const LOG_LINES: i64 = 5;

/// The Job of a prober. It exists from its creation until it is deleted.
#[derive(Clone)]
pub struct ProberJob {
    client: Client,
    url: String,
    name: String,
    namespace: String,
    image: String,
}

impl fmt::Debug for ProberJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProberJob({self})")
    }
}

impl fmt::Display for ProberJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job/{} in namespace {}", self.name, self.namespace)
    }
}

impl ProberJob {
    /// Finds the cluster; the Job will be called by this name.
    pub async fn prepare(plan: JobPlan, name: &str) -> Result<Self, JobError> {
        let config = config(&plan.scope).await.map_err(Error::Config)?;
        let (url, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| Error::Config(error.into()))?;
        let namespace = plan.namespace.or(plan.scope.namespace).unwrap_or(namespace);
        Ok(Self { client, url, name: name.to_owned(), namespace, image: plan.image })
    }

    /// Makes the Job.
    pub async fn create(&self) -> Result<(), JobError> {
        let made = manifest::job(&self.name, &self.namespace, &self.image);
        let made = made.map_err(|error| self.failed("describe the prober's job", error.into()))?;
        let params = PostParams::default();
        let jobs = self.jobs();
        let created = self.ask(("create", "jobs.batch"), "make the prober's job", jobs.create(&params, &made));
        created.await.map(drop)
    }

    /// Waits until the prober runs, and attaches to it.
    pub async fn attach(&self) -> Result<Attached, JobError> {
        let pod = self.running().await?;
        let params = AttachParams::default().stdin(true).stdout(true).stderr(false).container("prober");
        let pods = self.pods();
        let doing = format!("attach to pod/{pod}");
        let attached = self.ask(("create", "pods/attach"), &doing, pods.attach(&pod, &params)).await;
        let mut attached = attached?;
        let streams = (attached.stdin(), attached.stdout());
        let (Some(stdin), Some(stdout)) = streams else {
            return Err(self.failed(&doing, "it has no streams".into()));
        };
        Ok(Attached { stdin: Box::new(stdin), stdout: Box::new(stdout), carrier: Box::new(attached) })
    }

    /// The name of the Job's pod, once it runs.
    async fn running(&self) -> Result<String, JobError> {
        let (mut waited, mut unscheduled) = (Duration::ZERO, Duration::ZERO);
        loop {
            let pod = self.pod().await?;
            let state = match &pod {
                None => PodState::Waiting("the job has made no pod".to_owned()),
                Some(pod) => pod_state::of(pod),
            };
            let text = match (state, &pod) {
                (PodState::Running, Some(pod)) => return Ok(pod.name_any()),
                (PodState::Running, None) => String::new(),
                (PodState::Unusable(reason, message), _) => {
                    return Err(JobError::Image { image: self.image.clone(), reason, message });
                }
                (PodState::Ended(how), _) => return Err(JobError::Ended { why: self.with_log(how).await }),
                (PodState::Waiting(text), _) => text,
            };
            let is_placed = pod.as_ref().and_then(|pod| pod.spec.as_ref()).is_some_and(|spec| spec.node_name.is_some());
            unscheduled = if is_placed { Duration::ZERO } else { unscheduled + LOOK };
            waited += LOOK;
            if waited >= START_TIMEOUT || unscheduled >= SCHEDULE_TIMEOUT {
                return Err(self.not_started(pod.as_ref(), waited, text).await);
            }
            sleep(LOOK).await;
        }
    }

    async fn not_started(&self, pod: Option<&Pod>, after: Duration, state: String) -> JobError {
        let what = match pod {
            Some(pod) => format!("pod/{} -n {}", pod.name_any(), self.namespace),
            None => format!("job/{} -n {}", self.name, self.namespace),
        };
        let warned = if pod.is_none() { self.warning().await } else { None };
        let state = warned.map_or_else(|| state.clone(), |warned| format!("{state}: {warned}"));
        JobError::NotStarted { what, after, state }
    }

    /// The last warning of the cluster about the Job, such as of a quota.
    async fn warning(&self) -> Option<String> {
        let of_job = format!("involvedObject.name={},type=Warning", self.name);
        let events = Api::<Event>::namespaced(self.client.clone(), &self.namespace);
        let params = ListParams::default().fields(&of_job);
        let listed = timeout(ANSWER_TIMEOUT, events.list(&params)).await.ok()?.ok()?;
        listed.items.into_iter().filter_map(|event| event.message).next_back()
    }

    /// How the pod ended, with the last that it said; what is known if that cannot be asked.
    pub async fn how_it_ended(&self) -> String {
        // The status follows the end of the streams.
        for _ in 0..10 {
            match self.pod().await {
                Err(error) => return format!("its pod cannot be asked for: {error}"),
                Ok(None) => return "its pod is gone".to_owned(),
                Ok(Some(pod)) => match pod_state::of(&pod) {
                    PodState::Ended(how) => return self.with_log(format!("its pod ended: {how}")).await,
                    _ if pod.metadata.deletion_timestamp.is_some() => return "its pod is being deleted".to_owned(),
                    _ => sleep(LOOK).await,
                },
            }
        }
        "its pod still runs: the connection was cut on its way".to_owned()
    }

    /// Deletes the Job and its pod. That it does not exist is no error.
    pub async fn delete(&self) -> Result<(), JobError> {
        let params = DeleteParams::background().grace_period(0);
        let jobs = self.jobs();
        let deleted = jobs.delete(&self.name, &params);
        let gone = |error: &kube::Error| matches!(error, kube::Error::Api(status) if status.code == 404);
        let deleted = async {
            match deleted.await {
                Err(error) if gone(&error) => Ok(()),
                other => other.map(drop),
            }
        };
        self.ask(("delete", "jobs.batch"), &format!("delete job/{}", self.name), deleted).await
    }

    async fn pod(&self) -> Result<Option<Pod>, JobError> {
        let params = ListParams::default().labels(&format!("job-name={}", self.name));
        let pods = self.pods();
        let listed = self.ask(("list", "pods"), "look for the prober's pod", pods.list(&params)).await?;
        Ok(listed.items.into_iter().next())
    }

    async fn with_log(&self, how: String) -> String {
        let Ok(Some(pod)) = self.pod().await else { return how };
        let params = LogParams { tail_lines: Some(LOG_LINES), limit_bytes: Some(2_000), ..LogParams::default() };
        let (pods, name) = (self.pods(), pod.name_any());
        match timeout(ANSWER_TIMEOUT, pods.logs(&name, &params)).await {
            Ok(Ok(log)) if !log.trim().is_empty() => {
                let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
                format!("{how}; its log: {}", log.trim().chars().map(plain).collect::<String>())
            }
            _ => how,
        }
    }

    fn jobs(&self) -> Api<Job> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Awaits a request, and says which right was missing if it was forbidden.
    async fn ask<T>(
        &self,
        (verb, resource): (&'static str, &'static str),
        doing: &str,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, JobError> {
        let Ok(answer) = timeout(ANSWER_TIMEOUT, request).await else {
            return Err(self.failed(doing, format!("{} does not answer", self.url).into()));
        };
        answer.map_err(|error| {
            if is_forbidden(&error) {
                let (url, namespace) = (self.url.clone(), self.namespace.clone());
                JobError::Forbidden { url, verb, resource, namespace, source: error.into() }
            } else {
                self.failed(doing, error.into())
            }
        })
    }

    fn failed(&self, doing: &str, source: Box<dyn std::error::Error + Send + Sync>) -> JobError {
        JobError::Request { doing: doing.to_owned(), namespace: self.namespace.clone(), source }
    }
}

/// Whether the API server answered 403 Forbidden, also to the request for a stream.
fn is_forbidden(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code == 403,
        kube::Error::UpgradeConnection(kube::client::UpgradeConnectionError::ProtocolSwitch(status)) => {
            status.as_u16() == 403
        }
        _ => false,
    }
}
