// Calls each method of Dapr's SDK for Go once and says how it went: see ../program.ts.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dapr/go-sdk/client"
	"github.com/dapr/go-sdk/service/common"
	grpcservice "github.com/dapr/go-sdk/service/grpc"
	httpservice "github.com/dapr/go-sdk/service/http"
)

// Ends what hangs.
const limit = 5 * time.Minute

var appID = os.Getenv("APP_ID")

func main() {
	protocol := os.Args[1]
	ctx := context.Background()
	orders := make(chan []byte, 100)
	app, heard, err := startApp(protocol, orders)
	must(err)
	dapr, err := client.NewClient()
	must(err)
	report("bindings.input-"+protocol, func() error { return receiveOrder(ctx, dapr, orders) })
	report("invocation.http-app", func() error { return callNeighbour(ctx, dapr) })
	callTopics(ctx, dapr, protocol, heard)
	// The rest is the same whatever the app speaks.
	if protocol == "grpc" {
		callAll(ctx, dapr)
	}
	fmt.Println("called")
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	must(err)
	report("sidecar.shutdown", func() error { return dapr.Shutdown(ctx) })
	must(app.GracefulStop())
}

func startApp(protocol string, orders chan<- []byte) (common.Service, *topics, error) {
	address := "127.0.0.1:" + os.Getenv("APP_PORT")
	app := httpservice.NewService(address)
	greet, input := "/greet", "/orders"
	if protocol == "grpc" {
		var err error
		if app, err = grpcservice.NewService(address); err != nil {
			return nil, nil, err
		}
		greet, input = "greet", "orders"
	}
	if err := app.AddServiceInvocationHandler(greet, greeting); err != nil {
		return nil, nil, err
	}
	heard, err := subscribe(app)
	if err != nil {
		return nil, nil, err
	}
	err = app.AddBindingInvocationHandler(input, func(_ context.Context, event *common.BindingEvent) ([]byte, error) {
		orders <- event.Data
		return nil, nil
	})
	go func() {
		if err := app.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return app, heard, err
}

func greeting(_ context.Context, event *common.InvocationEvent) (*common.Content, error) {
	var body struct{ Name string }
	if err := json.Unmarshal(event.Data, &body); err != nil {
		return nil, err
	}
	answer, err := json.Marshal(map[string]string{"hello": body.Name})
	return &common.Content{Data: answer, ContentType: "application/json"}, err
}

func receiveOrder(ctx context.Context, dapr client.Client, orders <-chan []byte) error {
	order := []byte(`{"orderId":1}`)
	request := &client.InvokeBindingRequest{Name: "orders", Operation: "create", Data: order}
	if err := dapr.InvokeOutputBinding(ctx, request); err != nil {
		return err
	}
	select {
	case got := <-orders:
		return same(got, order)
	case <-time.After(limit):
		return errors.New("no order came")
	}
}

type echo struct{ Method, Path, Body string }

func callNeighbour(ctx context.Context, dapr client.Client) error {
	for _, call := range []struct {
		do   func() ([]byte, error)
		want echo
	}{
		{
			func() ([]byte, error) { return dapr.InvokeMethod(ctx, "neighbour", "echo", "get") },
			echo{"GET", "/echo", ""},
		},
		{
			func() ([]byte, error) {
				content := &client.DataContent{ContentType: "application/json", Data: []byte(`{"a":1}`)}
				return dapr.InvokeMethodWithContent(ctx, "neighbour", "echo?x=1", "post", content)
			},
			echo{"POST", "/echo?x=1", `{"a":1}`},
		},
		{
			func() ([]byte, error) {
				content := map[string]int{"a": 2}
				return dapr.InvokeMethodWithCustomContent(ctx, "neighbour", "echo", "put", "application/json", content)
			},
			echo{"PUT", "/echo", `{"a":2}`},
		},
	} {
		answer, err := call.do()
		if err != nil {
			return err
		}
		var got echo
		if err := json.Unmarshal(answer, &got); err != nil {
			return err
		}
		if got != call.want {
			return fmt.Errorf("got %v, not %v", got, call.want)
		}
	}
	return nil
}

func report(capability string, call func() error) {
	result := "works"
	if err := call(); err != nil {
		result = err.Error()
	}
	line, err := json.Marshal(struct {
		Capability string `json:"capability"`
		Result     string `json:"result"`
	}{capability, result})
	must(err)
	fmt.Println(string(line))
}

func same(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("got %q, not %q", got, want)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
