/** Properties that the original acts upon and these drivers do not, by type. They are no slips, but the log names them. */
const azure =
  "azureTenantId azureClientId azureClientSecret azureCertificate azureCertificateFile azureCertificatePassword azureEnvironment";
const oidc =
  "oidcTokenEndpoint oidcClientID oidcClientSecret oidcScopes oidcExtensions oidcClientAssertionCert oidcClientAssertionKey oidcAudience oidcResource oidcKid";
const aws =
  "region accessKey secretKey sessionToken assumeRoleArn sessionName awsRegion awsAccessKey awsSecretKey awsSessionToken awsIamRoleArn awsStsSessionName";

const kafka = `${oidc} ${aws} ${azure} schemaRegistryAPIKey schemaRegistryAPISecret schemaCachingEnabled schemaLatestVersionCacheTTL useAvroJSON`;

const byType: Record<string, string> = {
  "bindings.kafka": `${kafka} consumerID`,
  "pubsub.kafka": kafka,
  "pubsub.redis": `${azure} ${oidc}`,
  "state.redis": `${azure} ${oidc}`,
  "bindings.postgresql": `${azure} ${aws} hostaddr`,
  "state.postgresql": `${azure} ${aws} hostaddr`,
};

/** Properties that are read by the component's block, whatever its type. */
const byKind: Record<string, string> = {
  bindings: "direction route",
  pubsub:
    "consumerID publishingScopes subscriptionScopes allowedTopics protectedTopics",
  state:
    "actorStateStore keyPrefix primaryEncryptionKey secondaryEncryptionKey outboxPublishPubsub outboxPublishTopic outboxPubsub outboxDiscardWhenMissingState",
};

const split = (names = "") => names.split(" ").filter(Boolean);

export const withoutEffect = (type: string): string[] => split(byType[type]);

export const readByBlock = (type: string): string[] =>
  split(byKind[type.slice(0, type.indexOf("."))]);
