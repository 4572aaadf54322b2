package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"github.com/dapr/go-sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

const store = "statestore"

// callAll makes the calls that need no app's protocol; it goes on after one that fails.
func callAll(ctx context.Context, dapr client.Client) {
	for capability, call := range map[string]func(context.Context, client.Client) error{
		"state.save":           saveState,
		"state.bulk":           bulkState,
		"state.delete":         deleteState,
		"state.etag":           refuseEtag,
		"state.transaction":    transact,
		"state.query":          query,
		"bindings.output":      keepFile,
		"secrets.get":          getSecret,
		"secrets.bulk":         bulkSecrets,
		"invocation.grpc-app":  callOwnApp,
		"invocation.proxy":     callOwnService,
		"sidecar.wait":         wait,
		"sidecar.metadata":     readMetadata,
		"sidecar.set-metadata": addMetadata,
		"configuration.get":    getConfiguration,
		"lock.lock":            lock,
		"crypto.encrypt":       encrypt,
		"jobs.schedule":        schedule,
		"actors.invoke":        callActor,
		"workflow.start":       startWorkflow,
	} {
		report(capability, func() error {
			bounded, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return call(bounded, dapr)
		})
	}
}

func saveState(ctx context.Context, dapr client.Client) error {
	if err := dapr.SaveState(ctx, store, "one", []byte(`{"n": 1}`), nil); err != nil {
		return err
	}
	item, err := dapr.GetState(ctx, store, "one", nil)
	if err != nil {
		return err
	}
	if item.Etag == "" {
		return fmt.Errorf("no etag")
	}
	return same(item.Value, []byte(`{"n": 1}`))
}

func bulkState(ctx context.Context, dapr client.Client) error {
	err := dapr.SaveBulkState(ctx, store,
		&client.SetStateItem{Key: "bulk1", Value: []byte(`1`)},
		&client.SetStateItem{Key: "bulk2", Value: []byte(`2`)})
	if err != nil {
		return err
	}
	items, err := dapr.GetBulkState(ctx, store, []string{"bulk1", "bulk2", "bulk3"}, nil, 2)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, item := range items {
		values[item.Key] = string(item.Value) + item.Error
	}
	return equal(values, map[string]string{"bulk1": "1", "bulk2": "2", "bulk3": ""})
}

func deleteState(ctx context.Context, dapr client.Client) error {
	for _, key := range []string{"gone", "gone1", "gone2"} {
		if err := dapr.SaveState(ctx, store, key, []byte(`1`), nil); err != nil {
			return err
		}
	}
	if err := dapr.DeleteState(ctx, store, "gone", nil); err != nil {
		return err
	}
	if err := dapr.DeleteBulkState(ctx, store, []string{"gone1", "gone2"}, nil); err != nil {
		return err
	}
	for _, key := range []string{"gone", "gone1", "gone2"} {
		item, err := dapr.GetState(ctx, store, key, nil)
		if err != nil {
			return err
		}
		if len(item.Value) > 0 {
			return fmt.Errorf("%s is still %q", key, item.Value)
		}
	}
	return nil
}

func refuseEtag(ctx context.Context, dapr client.Client) error {
	if err := dapr.SaveState(ctx, store, "etag", []byte(`1`), nil); err != nil {
		return err
	}
	item, err := dapr.GetState(ctx, store, "etag", nil)
	if err != nil {
		return err
	}
	firstWrite := client.WithConcurrency(client.StateConcurrencyFirstWrite)
	if err := dapr.SaveStateWithETag(ctx, store, "etag", []byte(`2`), item.Etag, nil, firstWrite); err != nil {
		return err
	}
	if dapr.SaveStateWithETag(ctx, store, "etag", []byte(`3`), item.Etag, nil, firstWrite) == nil {
		return fmt.Errorf("an old etag was taken")
	}
	if dapr.DeleteStateWithETag(ctx, store, "etag", &client.ETag{Value: item.Etag}, nil, nil) == nil {
		return fmt.Errorf("an old etag was taken for a delete")
	}
	item, err = dapr.GetState(ctx, store, "etag", nil)
	if err != nil {
		return err
	}
	return same(item.Value, []byte(`2`))
}

func transact(ctx context.Context, dapr client.Client) error {
	if err := dapr.SaveState(ctx, store, "old", []byte(`1`), nil); err != nil {
		return err
	}
	err := dapr.ExecuteStateTransaction(ctx, store, nil, []*client.StateOperation{
		{Type: client.StateOperationTypeUpsert, Item: &client.SetStateItem{Key: "new", Value: []byte(`2`)}},
		{Type: client.StateOperationTypeDelete, Item: &client.SetStateItem{Key: "old"}},
	})
	if err != nil {
		return err
	}
	items, err := dapr.GetBulkState(ctx, store, []string{"old", "new"}, nil, 0)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, item := range items {
		values[item.Key] = string(item.Value)
	}
	return equal(values, map[string]string{"old": "", "new": "2"})
}

func query(ctx context.Context, dapr client.Client) error {
	// A value is bytes unless this says that it can be searched.
	json := map[string]string{"contentType": "application/json"}
	for key, value := range map[string]string{"q1": `{"city": "Rome"}`, "q2": `{"city": "Oslo"}`} {
		if err := dapr.SaveState(ctx, store, key, []byte(value), json); err != nil {
			return err
		}
	}
	answer, err := dapr.QueryStateAlpha1(ctx, store, `{"filter": {"EQ": {"city": "Oslo"}}}`, nil)
	if err != nil {
		return err
	}
	if len(answer.Results) != 1 || answer.Results[0].Key != "q2" {
		return fmt.Errorf("found %v", answer.Results)
	}
	return same(answer.Results[0].Value, []byte(`{"city": "Oslo"}`))
}

func keepFile(ctx context.Context, dapr client.Client) error {
	name := map[string]string{"fileName": "letter.txt"}
	_, err := dapr.InvokeBinding(ctx, &client.InvokeBindingRequest{
		Name: "files", Operation: "create", Data: []byte("Dear reader,"), Metadata: name,
	})
	if err != nil {
		return err
	}
	answer, err := dapr.InvokeBinding(ctx, &client.InvokeBindingRequest{Name: "files", Operation: "get", Metadata: name})
	if err != nil {
		return err
	}
	return same(answer.Data, []byte("Dear reader,"))
}

func getSecret(ctx context.Context, dapr client.Client) error {
	secret, err := dapr.GetSecret(ctx, "vault", "first", nil)
	if err != nil {
		return err
	}
	return equal(secret, map[string]string{"first": "one"})
}

func bulkSecrets(ctx context.Context, dapr client.Client) error {
	secrets, err := dapr.GetBulkSecret(ctx, "vault", nil)
	if err != nil {
		return err
	}
	return equal(secrets, map[string]map[string]string{"first": {"first": "one"}, "second": {"second": "two"}})
}

func callOwnApp(ctx context.Context, dapr client.Client) error {
	answer, err := dapr.InvokeMethodWithContent(ctx, appID, "greet", "post",
		&client.DataContent{ContentType: "application/json", Data: []byte(`{"name":"Ada"}`)})
	if err != nil {
		return err
	}
	return same(answer, []byte(`{"hello":"Ada"}`))
}

// callOwnService calls a service that is not the sidecar's: the metadata says whose it is.
// The SDK's own connection would put the token in the place of the other metadata.
func callOwnService(ctx context.Context, _ client.Client) error {
	address := "127.0.0.1:" + os.Getenv("DAPR_GRPC_PORT")
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx = metadata.AppendToOutgoingContext(ctx, "dapr-app-id", appID, "dapr-api-token", os.Getenv("DAPR_API_TOKEN"))
	inputs, err := runtime.NewAppCallbackClient(connection).ListInputBindings(ctx, &emptypb.Empty{})
	if err != nil {
		return err
	}
	return equal(inputs.GetBindings(), []string{"orders"})
}

func wait(ctx context.Context, dapr client.Client) error {
	return dapr.Wait(ctx, limit)
}

func readMetadata(ctx context.Context, dapr client.Client) error {
	metadata, err := dapr.GetMetadata(ctx)
	if err != nil {
		return err
	}
	kinds := map[string]string{}
	for _, component := range metadata.RegisteredComponents {
		kinds[component.Name] = component.Type
	}
	if metadata.ID != appID {
		return fmt.Errorf("its id is %q", metadata.ID)
	}
	return equal(kinds, map[string]string{
		"files":  "bindings.localstorage",
		"orders": "bindings.kafka",
		"pubsub": "pubsub.kafka",
		store:    "state.postgresql",
		"vault":  "secretstores.local.file",
	})
}

func addMetadata(ctx context.Context, dapr client.Client) error {
	if err := dapr.SetMetadata(ctx, "colour", "green"); err != nil {
		return err
	}
	metadata, err := dapr.GetMetadata(ctx)
	if err != nil {
		return err
	}
	return equal(metadata.ExtendedMetadata["colour"], "green")
}

// What follows belongs to blocks that a sidecar may lack.

func getConfiguration(ctx context.Context, dapr client.Client) error {
	_, err := dapr.GetConfigurationItem(ctx, "configuration", "key")
	return err
}

func lock(ctx context.Context, dapr client.Client) error {
	request := &client.LockRequest{LockOwner: "me", ResourceID: "it", ExpiryInSeconds: 60}
	_, err := dapr.TryLockAlpha1(ctx, "locks", request)
	return err
}

func encrypt(ctx context.Context, dapr client.Client) error {
	options := client.EncryptOptions{ComponentName: "crypto", KeyName: "key", KeyWrapAlgorithm: "RSA"}
	hidden, err := dapr.Encrypt(ctx, strings.NewReader("secret"), options)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(hidden)
	return err
}

func schedule(ctx context.Context, dapr client.Client) error {
	return dapr.ScheduleJobAlpha1(ctx, &client.Job{Name: "job", Schedule: "@every 1h"})
}

func callActor(ctx context.Context, dapr client.Client) error {
	_, err := dapr.InvokeActor(ctx, &client.InvokeActorRequest{ActorType: "t", ActorID: "1", Method: "m"})
	return err
}

func startWorkflow(ctx context.Context, dapr client.Client) error {
	request := &client.StartWorkflowRequest{WorkflowComponent: "dapr", WorkflowName: "w", InstanceID: "1"}
	_, err := dapr.StartWorkflowBeta1(ctx, request)
	return err
}

func equal(got, want any) error {
	if fmt.Sprint(got) == fmt.Sprint(want) {
		return nil
	}
	return fmt.Errorf("got %v, not %v", got, want)
}
