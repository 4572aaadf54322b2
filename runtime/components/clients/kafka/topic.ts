/** One topic to write to, over one connection: its partitions, their brokers, a producer id. */
import {
  closeCluster,
  openCluster,
  type Broker,
  type KafkaServer,
} from "./cluster.ts";
import type { Identity } from "./producer/partition-buffer.ts";

export interface Topic {
  readonly partitionCount: number;
  /** The broker that leads a partition; -1 while there is none, `undefined` if there is no such partition. */
  leaderOf(partition: number): number | undefined;
  /** The partitions that have a leader. */
  readonly led: readonly number[];
  /** Connects to a broker, unless connected already. */
  broker(leader: number): Promise<Broker>;
  /** Looks up the partitions again; without `always` only if the refresh interval is over. */
  refresh(always?: boolean): Promise<void>;
  newIdentity(): Promise<Identity>;
  close(): void;
}

/** Rejects if no broker answers or the topic does not exist; the broker may create it on this occasion. */
export async function connectTopic(
  server: KafkaServer,
  name: string,
): Promise<Topic> {
  const cluster = openCluster(server);
  let leaders = new Map<number, number>();
  let led: number[] = [];
  const readLeaders = () => {
    const partitions = cluster.findTopicPartitionMetadata(name);
    leaders = new Map(partitions.map((p) => [p.partitionId, p.leader]));
    led = [...leaders.keys()].filter(
      (partition) => leaders.get(partition)! >= 0,
    );
  };
  try {
    await cluster.connect();
    await cluster.addMultipleTargetTopics([name]);
    readLeaders();
  } catch (error) {
    closeCluster(cluster);
    throw error;
  }
  return {
    get partitionCount() {
      return leaders.size;
    },
    leaderOf: (partition) => leaders.get(partition),
    get led() {
      return led;
    },
    broker: (leader) => cluster.findBroker({ nodeId: leader }),
    async refresh(always = false) {
      if (always) await cluster.refreshMetadata();
      else await cluster.refreshMetadataIfNecessary();
      readLeaders();
    },
    async newIdentity() {
      const broker = await cluster.findControllerBroker();
      const { producerId, producerEpoch } = await broker.initProducerId({
        transactionTimeout: 60_000,
      });
      return { producerId: BigInt(producerId), epoch: producerEpoch };
    },
    close: () => closeCluster(cluster),
  };
}
