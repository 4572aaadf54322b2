/** The component types of the original, by kind. A type in this list that is not in ours is absent, not misspelt. */
const byKind: Record<string, string> = {
  bindings: `
    alicloud.dingtalk.webhook alicloud.oss alicloud.sls alicloud.tablestore apns aws.dynamodb
    aws.kinesis aws.s3 aws.ses aws.sns aws.sqs azure.blobstorage azure.cosmosdb
    azure.cosmosdb.gremlinapi azure.eventgrid azure.eventhubs azure.openai
    azure.servicebus.queues azure.servicebusqueues azure.signalr azure.storagequeues
    cloudflare.queues commercetools cron dubbo gcp.bucket gcp.pubsub graphql http huawei.obs
    influx kafka kitex kubemq kubernetes localstorage mqtt mqtt3 mysql postgres postgresql
    postmark rabbitmq redis rethinkdb.statechange rocketmq sftp smtp twilio.sendgrid
    twilio.sms wasm zeebe.command zeebe.jobworker
  `,
  configuration: `
    azure.appconfig kubernetes postgres postgresql redis
  `,
  conversation: `
    anthropic aws.bedrock deepseek echo googleai huggingface mistral ollama openai
  `,
  crypto: `
    azure.keyvault dapr.jwks dapr.kubernetes.secrets dapr.localstorage
  `,
  lock: `
    redis
  `,
  middleware: `
    http.bearer http.oauth2 http.oauth2clientcredentials http.opa http.ratelimit
    http.routeralias http.routerchecker http.sentinel http.uppercase http.wasm
  `,
  nameresolution: `
    aws.cloudmap consul hashicorp.consul kubernetes mdns nameformat sqlite structuredformat
  `,
  pubsub: `
    aws.snssqs azure.eventhubs azure.servicebus azure.servicebus.queues
    azure.servicebus.topics gcp.pubsub hazelcast in-memory jetstream kafka kubemq mqtt mqtt3
    natsstreaming pulsar rabbitmq redis rocketmq snssqs solace.amqp
  `,
  secretstores: `
    alicloud.parameterstore aws.parameterstore aws.secretmanager azure.keyvault
    gcp.secretmanager hashicorp.vault huaweicloud.csms kubernetes local.env local.file
    tencentcloud.ssm
  `,
  state: `
    aerospike alicloud.tablestore aws.dynamodb azure.blobstorage azure.cosmosdb
    azure.tablestorage cassandra cloudflare.workerskv cockroachdb coherence consul couchbase
    etcd gcp.firestore hashicorp.consul hazelcast in-memory jetstream memcached mongodb mysql
    oci.objectstorage oracledatabase postgres postgresql ravendb redis rethinkdb sqlite
    sqlite3 sqlserver yugabyte yugabytedb zookeeper
  `,
};

export const daprTypes: ReadonlySet<string> = new Set(
  Object.entries(byKind).flatMap(([kind, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => `${kind}.${name}`),
  ),
);
