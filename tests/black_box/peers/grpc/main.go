// A gRPC server for the tests: the health service and two methods, on a free port of loopback, which it prints. Each
// line on its standard input changes how it answers: SERVING, NOT_SERVING, UNAVAILABLE.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"os"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var unavailable atomic.Bool

// Fails calls in the head of the answer, before there is any body.
func gate(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if unavailable.Load() {
		return nil, status.Error(codes.Unavailable, "the cellar is closed: Fässer leer")
	}
	return next(ctx, req)
}

// Answers with the message that it got.
func echo(_ any, stream grpc.ServerStream) error {
	message := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(message); err != nil {
		return err
	}
	if message.Value != "red" {
		return status.Errorf(codes.InvalidArgument, "not %q", message.Value)
	}
	return stream.SendMsg(message)
}

// Answers, and fails in the trailers after it.
func late(_ any, stream grpc.ServerStream) error {
	if err := stream.SendMsg(wrapperspb.String("half a glass")); err != nil {
		return err
	}
	return status.Error(codes.Unavailable, "the rest is spilt")
}

func main() {
	options := []grpc.ServerOption{grpc.UnaryInterceptor(gate)}
	if len(os.Args) == 2 {
		pair, err := tls.LoadX509KeyPair(os.Args[1], os.Args[1])
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server, checks := grpc.NewServer(options...), health.NewServer()
	healthpb.RegisterHealthServer(server, checks)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "wine.Cellar",
		Streams: []grpc.StreamDesc{
			{StreamName: "Echo", Handler: echo, ServerStreams: true},
			{StreamName: "Late", Handler: late, ServerStreams: true},
		},
	}, nil)
	checks.SetServingStatus("wine.Cellar", healthpb.HealthCheckResponse_SERVING)
	go server.Serve(listener)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	// Ends with its standard input, that is, with the test.
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		unavailable.Store(lines.Text() == "UNAVAILABLE")
		serving := healthpb.HealthCheckResponse_SERVING
		if lines.Text() == "NOT_SERVING" {
			serving = healthpb.HealthCheckResponse_NOT_SERVING
		}
		checks.SetServingStatus("", serving)
	}
}
