// Package store is the contract between airlock and whatever keeps secrets.
//
// A [Store] moves named bytes to and from one service and knows nothing of
// Airflow. The one thing every store can do is [Store.Get]; everything else
// (listing, writing, versions, health) is an optional interface, reached only
// through the free functions of this package, which answer a typed
// [ErrUnsupported] where a store cannot do it. A wrapper implements all of
// them by calling the same free functions on the store it wraps, so that
// nothing is lost by wrapping.
//
// Every failure is an [*Error] with a [Code] of a closed list.
package store
