// A decision point: `decide ADDRESS RULES`. The first rule that fits a question decides.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "decisionpoint/dnspolicyv1"
)

// look is how often the rules are looked at.
const look = 100 * time.Millisecond

type rule struct {
	Namespace *string         `json:"namespace"`
	Suffix    string          `json:"suffix"`
	Response  json.RawMessage `json:"response"`

	response *pb.CheckResponse
}

type decider struct {
	pb.UnimplementedPolicyServiceServer

	mutex    sync.RWMutex
	text     []byte
	rules    []rule
	revision string
	changed  chan struct{}
}

// load takes over the rules of a file; what cannot be read leaves those in force.
func (d *decider) load(path string) error {
	text, err := os.ReadFile(path)
	if err != nil || bytes.Equal(text, d.text) {
		return err
	}
	var rules []rule
	if err := json.Unmarshal(text, &rules); err != nil {
		return err
	}
	for i := range rules {
		rules[i].response = &pb.CheckResponse{}
		if err := protojson.Unmarshal(rules[i].Response, rules[i].response); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(text)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.text, d.rules, d.revision = text, rules, hex.EncodeToString(sum[:6])
	close(d.changed)
	d.changed = make(chan struct{})
	return nil
}

func (d *decider) follow(path string) {
	for range time.Tick(look) {
		if err := d.load(path); err != nil {
			log.Print(err)
		}
	}
}

func (d *decider) decide(request *pb.CheckRequest) *pb.CheckResponse {
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	response := &pb.CheckResponse{Result: &pb.CheckResponse_Undefined{Undefined: &pb.Undefined{}}}
	for _, rule := range d.rules {
		here := rule.Namespace == nil || *rule.Namespace == request.GetClient().GetNamespace()
		if here && (rule.Suffix == "" || slices.Contains(request.GetQuery().GetSuffixes(), rule.Suffix)) {
			response = proto.Clone(rule.response).(*pb.CheckResponse)
			break
		}
	}
	response.RequestId, response.Revision = request.GetRequestId(), d.revision
	return response
}

func (d *decider) decideAll(batch *pb.CheckBatchRequest) *pb.CheckBatchResponse {
	found := &pb.CheckBatchResponse{}
	for _, request := range batch.GetRequests() {
		found.Responses = append(found.Responses, d.decide(request))
	}
	return found
}

func (d *decider) Check(_ context.Context, request *pb.CheckRequest) (*pb.CheckResponse, error) {
	return d.decide(request), nil
}

func (d *decider) CheckBatch(_ context.Context, batch *pb.CheckBatchRequest) (*pb.CheckBatchResponse, error) {
	return d.decideAll(batch), nil
}

func (d *decider) StreamCheck(stream pb.PolicyService_StreamCheckServer) error {
	for {
		batch, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(d.decideAll(batch)); err != nil {
			return err
		}
	}
}

func (d *decider) state() (string, <-chan struct{}) {
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	return d.revision, d.changed
}

func (d *decider) GetInfo(context.Context, *pb.GetInfoRequest) (*pb.GetInfoResponse, error) {
	revision, _ := d.state()
	return &pb.GetInfoResponse{Engine: "go example", Revision: revision, Timeless: true}, nil
}

func (d *decider) Watch(_ *pb.WatchRequest, stream pb.PolicyService_WatchServer) error {
	for {
		revision, changed := d.state()
		if err := stream.Send(&pb.PolicyRevision{Revision: revision, Timeless: true}); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}

func run(address, path string) error {
	d := &decider{changed: make(chan struct{})}
	if err := d.load(path); err != nil {
		return err
	}
	network, place := "tcp", address
	if rest, found := strings.CutPrefix(address, "unix:"); found {
		network, place = "unix", rest
	}
	listener, err := net.Listen(network, place)
	if err != nil {
		return err
	}
	go d.follow(path)
	server := grpc.NewServer()
	pb.RegisterPolicyServiceServer(server, d)
	healthy := health.NewServer()
	healthy.SetServingStatus(pb.PolicyService_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, healthy)
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		fmt.Println("listening on port", tcp.Port)
	}
	return server.Serve(listener)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: decide ADDRESS RULES")
	}
	if err := run(os.Args[1], os.Args[2]); err != nil && status.Code(err) != codes.Canceled {
		log.Fatal(err)
	}
}
