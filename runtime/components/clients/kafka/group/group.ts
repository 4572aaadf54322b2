/** Membership in a consumer group: join, heartbeat, commit, leave. */
import {
  assign,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Assignment,
  type Strategy,
} from "./assignment.ts";
import type { Broker, Cluster, TopicOffsets } from "../cluster.ts";
import { errorType } from "../errors.ts";
import { libraryMs, startInterval } from "../../../../shared/timers.ts";

export interface GroupOptions {
  groupId: string;
  strategy: Strategy;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  heartbeatIntervalMs: number;
}

export interface PartitionOffset {
  topic: string;
  partition: number;
  offset: number;
}

export interface Group {
  /** Counts the rounds of assignment in the whole group. */
  readonly generationId: number;
  /** Joins the next generation; resolves with the partitions that this member is to read. */
  join(cluster: Cluster, topics: string[]): Promise<Assignment>;
  /** Keeps the membership alive until stopped. Calls `lost` once if that fails. */
  startHeartbeat(lost: (error: Error) => void): () => void;
  /** The group's positions in these partitions, as far as it has any. */
  committed(assignment: Assignment): Promise<PartitionOffset[]>;
  commit(offsets: PartitionOffset[]): Promise<void>;
  leave(): Promise<void>;
}

/** True if the group has a new generation or has removed this member. Nothing is wrong: join again. */
export function isRebalance(error: unknown): boolean {
  return [
    "REBALANCE_IN_PROGRESS",
    "ILLEGAL_GENERATION",
    "UNKNOWN_MEMBER_ID",
    "FENCED_INSTANCE_ID",
  ].includes(errorType(error) ?? "");
}

export function createGroup(options: GroupOptions): Group {
  const { groupId } = options;
  let coordinator: Broker | undefined;
  // Kept when the connection is lost, so that the group need not wait for a member that is gone.
  let memberId = "";
  let generationId = -1;
  /** What each member got when this one was the leader; the sticky strategy keeps to it. */
  let lastPlan = new Map<string, Assignment>();

  async function findCoordinator(cluster: Cluster): Promise<Broker> {
    try {
      return await cluster.findGroupCoordinator({ groupId });
    } catch (error) {
      // kafkajs does not tell the reason, so the broker is asked again.
      if ((error as Error).name !== "KafkaJSGroupCoordinatorNotFound")
        throw error;
      const broker = await cluster.brokerPool.findConnectedBroker();
      const { coordinator } = await broker.findGroupCoordinator({
        groupId,
        coordinatorType: 0,
      });
      return cluster.findBroker(coordinator);
    }
  }

  async function asLeader(
    cluster: Cluster,
    encoded: { memberId: string; memberMetadata: Buffer }[],
    strategy: Strategy,
  ) {
    const members = encoded.map(({ memberId, memberMetadata }) => ({
      memberId,
      topics: decodeSubscription(memberMetadata),
    }));
    const topics = [...new Set(members.flatMap((member) => member.topics))];
    await cluster.addMultipleTargetTopics(topics);
    await cluster.refreshMetadata();
    const partitions = new Map(
      topics.map((topic) => [
        topic,
        cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId }) => partitionId)
          .toSorted((a, b) => a - b),
      ]),
    );
    lastPlan = assign(strategy, members, partitions, lastPlan);
    return [...lastPlan].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: encodeAssignment(assignment),
    }));
  }

  return {
    get generationId() {
      return generationId;
    },

    async join(cluster, topics) {
      try {
        coordinator = await findCoordinator(cluster);
        const joined = await coordinator.joinGroup({
          groupId,
          memberId,
          sessionTimeout: libraryMs(options.sessionTimeoutMs),
          rebalanceTimeout: options.rebalanceTimeoutMs,
          groupProtocols: [
            { name: options.strategy, metadata: encodeSubscription(topics) },
          ],
        });
        memberId = joined.memberId;
        generationId = joined.generationId;
        const groupAssignment =
          joined.leaderId === memberId
            ? await asLeader(cluster, joined.members, options.strategy)
            : [];
        const { memberAssignment } = await coordinator.syncGroup({
          groupId,
          memberId,
          generationId,
          groupAssignment,
        });
        return decodeAssignment(memberAssignment);
      } catch (error) {
        if (errorType(error) === "UNKNOWN_MEMBER_ID") memberId = "";
        throw error;
      }
    },

    startHeartbeat(lost) {
      let pendingSince: number | undefined;
      const timer = startInterval(async () => {
        if (pendingSince !== undefined) {
          // By now the coordinator, or its successor, has removed us.
          if (performance.now() - pendingSince < options.sessionTimeoutMs)
            return;
          clearInterval(timer);
          lost(
            new Error(
              `the group's coordinator gives no answer within ${options.sessionTimeoutMs} ms`,
            ),
          );
          return;
        }
        pendingSince = performance.now();
        try {
          await coordinator!.heartbeat({
            groupId,
            memberId,
            groupGenerationId: generationId,
          });
        } catch (error) {
          // While a rebalance waits for the deliveries in flight, heartbeats
          // go on: they keep this member in the group.
          if (errorType(error) !== "REBALANCE_IN_PROGRESS")
            clearInterval(timer);
          if (errorType(error) === "UNKNOWN_MEMBER_ID") memberId = "";
          lost(error as Error);
        }
        pendingSince = undefined;
      }, options.heartbeatIntervalMs);
      return () => clearInterval(timer);
    },

    async committed(assignment) {
      const { responses } = await coordinator!.offsetFetch({
        groupId,
        topics: [...assignment].map(([topic, partitions]) => ({
          topic,
          partitions: partitions.map((partition) => ({ partition })),
        })),
      });
      return flatten(responses).filter(({ offset }) => offset >= 0);
    },

    async commit(offsets) {
      await coordinator!.offsetCommit({
        groupId,
        memberId,
        groupGenerationId: generationId,
        topics: [...Map.groupBy(offsets, ({ topic }) => topic)].map(
          ([topic, partitions]) => ({
            topic,
            partitions: partitions.map(({ partition, offset }) => ({
              partition,
              offset: String(offset),
            })),
          }),
        ),
      });
    },

    async leave() {
      if (memberId === "" || !coordinator) return;
      await coordinator.leaveGroup({ groupId, memberId });
      memberId = "";
    },
  };
}

export function flatten(topics: TopicOffsets[]): PartitionOffset[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => ({
      topic,
      partition,
      offset: Number(offset),
    })),
  );
}
