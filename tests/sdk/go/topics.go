package main

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/dapr/go-sdk/client"
	"github.com/dapr/go-sdk/service/common"
)

const bus = "pubsub"

type number struct {
	N int `json:"n"`
}

// topics is what the app subscribed to: the events of each, in the order in which they came.
type topics struct {
	orders, several, again, big, small chan *common.TopicEvent
}

func topic(name string) string { return appID + "-" + name }

// subscribe has a route for each topic. An app can't name a dead-letter topic with this SDK; a stream can.
func subscribe(app common.Service) (*topics, error) {
	heard := &topics{}
	for _, one := range []struct {
		events *chan *common.TopicEvent
		topic  string
		route  string
		match  string
		// How often the first event is to come again.
		refusals int
	}{
		{&heard.orders, "orders", "/heard-orders", "", 0},
		{&heard.several, "several", "/several", "", 0},
		{&heard.again, "again", "/again", "", 1},
		{&heard.big, "routed", "/big", `event.type == "big"`, 0},
		{&heard.small, "routed", "/small", "", 0},
	} {
		events := make(chan *common.TopicEvent, 100)
		*one.events = events
		left := one.refusals
		hear := func(_ context.Context, event *common.TopicEvent) (bool, error) {
			events <- event
			if left > 0 {
				left--
				return true, errors.New("once more")
			}
			return false, nil
		}
		subscription := &common.Subscription{
			PubsubName: bus, Topic: topic(one.topic), Route: one.route, Match: one.match, Priority: 1,
		}
		if err := app.AddTopicEventHandler(subscription, hear); err != nil {
			return nil, err
		}
	}
	return heard, nil
}

// callTopics tries what the app subscribed to.
func callTopics(ctx context.Context, dapr client.Client, protocol string, heard *topics) {
	report("pubsub.publish", func() error { return publish(ctx, dapr, "orders", 1) })
	report("pubsub.subscribe-"+protocol, func() error { return expect(heard.orders, 1) })
	report("pubsub.publish-bulk", func() error { return publishSeveral(ctx, dapr, heard) })
	report("pubsub.routes", func() error {
		kind := client.PublishEventWithMetadata(map[string]string{"cloudevent.type": "big"})
		return errors.Join(
			publish(ctx, dapr, "routed", 1, kind),
			publish(ctx, dapr, "routed", 2),
			expect(heard.big, 1),
			expect(heard.small, 2),
		)
	})
	report("pubsub.retry", func() error {
		return errors.Join(publish(ctx, dapr, "again", 1), expect(heard.again, 1), expect(heard.again, 1))
	})
	var events *client.Subscription
	report("pubsub.stream", func() (err error) {
		events, err = stream(ctx, dapr)
		return err
	})
	report("pubsub.drop", func() error { return drop(ctx, dapr) })
	// Not before: Dapr 1.14 opens no stream of another Kafka topic after the end of one.
	if events != nil {
		must(events.Close())
	}
}

func publish(ctx context.Context, dapr client.Client, name string, n int, options ...client.PublishEventOption) error {
	return dapr.PublishEvent(ctx, bus, topic(name), number{n}, options...)
}

func publishSeveral(ctx context.Context, dapr client.Client, heard *topics) error {
	answer := dapr.PublishEvents(ctx, bus, topic("several"), []any{number{1}, number{2}, number{3}})
	if answer.Error != nil {
		return answer.Error
	}
	var got []int
	for range 3 {
		event, err := next(heard.several)
		if err != nil {
			return err
		}
		got = append(got, event.N)
	}
	sort.Ints(got)
	return equal(got, []int{1, 2, 3})
}

// stream has a subscription that is asked for its next event.
func stream(ctx context.Context, dapr client.Client) (*client.Subscription, error) {
	events, err := dapr.Subscribe(ctx, client.SubscriptionOptions{PubsubName: bus, Topic: topic("stream")})
	if err != nil {
		return nil, err
	}
	if err := publish(ctx, dapr, "stream", 1); err != nil {
		return nil, err
	}
	for _, answer := range []func(*client.SubscriptionMessage) error{
		(*client.SubscriptionMessage).Retry,
		(*client.SubscriptionMessage).Success,
	} {
		message, err := events.Receive()
		if err != nil {
			return nil, err
		}
		var got number
		if err := message.Struct(&got); err != nil {
			return nil, err
		}
		if err := errors.Join(equal(message.Topic, topic("stream")), equal(got, number{1}), answer(message)); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// drop has subscriptions whose handlers are called.
func drop(ctx context.Context, dapr client.Client) error {
	graves := make(chan *common.TopicEvent, 100)
	deadLetters := topic("graves")
	bury := func(event *common.TopicEvent) common.SubscriptionResponseStatus {
		graves <- event
		return common.SubscriptionResponseStatusSuccess
	}
	refuse := func(*common.TopicEvent) common.SubscriptionResponseStatus {
		return common.SubscriptionResponseStatusDrop
	}
	endGraves, err := dapr.SubscribeWithHandler(ctx,
		client.SubscriptionOptions{PubsubName: bus, Topic: deadLetters}, bury)
	if err != nil {
		return err
	}
	endLost, err := dapr.SubscribeWithHandler(ctx,
		client.SubscriptionOptions{PubsubName: bus, Topic: topic("lost"), DeadLetterTopic: &deadLetters}, refuse)
	if err != nil {
		return err
	}
	return errors.Join(publish(ctx, dapr, "lost", 2), expect(graves, 2), endLost(), endGraves())
}

func expect(events <-chan *common.TopicEvent, n int) error {
	got, err := next(events)
	if err != nil {
		return err
	}
	return equal(got, number{n})
}

func next(events <-chan *common.TopicEvent) (number, error) {
	var got number
	select {
	case event := <-events:
		err := event.Struct(&got)
		return got, err
	case <-time.After(limit):
		return got, errors.New("no event came")
	}
}
