package serve

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// filler fills values, each with another one, or with zeros behind pointers that are not nil.
type filler struct {
	zero bool
	n    int
}

func (f *filler) fill(t *testing.T, v reflect.Value) {
	t.Helper()
	f.n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		if !f.zero {
			v.Set(reflect.ValueOf(time.Date(2026, 3, 4, 12, 0, f.n, f.n, time.UTC)))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(t, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				t.Fatalf("%s has the field %s, which would be lost", v.Type(), v.Type().Field(i).Name)
			}
			f.fill(t, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(t, v.Index(0))
		f.fill(t, v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(t, key)
		f.fill(t, value)
		v.SetMapIndex(key, value)
	case reflect.String:
		if !f.zero {
			v.SetString(fmt.Sprint("text ", f.n))
		}
	case reflect.Bool:
		v.SetBool(!f.zero)
	case reflect.Float32, reflect.Float64:
		if !f.zero {
			v.SetFloat(float64(f.n) + 0.5)
		}
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		if !f.zero {
			v.SetInt(int64(f.n))
		}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if !f.zero {
			v.SetUint(uint64(f.n % 200))
		}
	default:
		t.Fatalf("%s is of a kind that may be lost", v.Type())
	}
}

// A ledger that was packed has every field of every entry, and what is zero does not become unknown.
func TestAPackedLedgerLosesNothing(t *testing.T) {
	for name, fill := range map[string]filler{"values": {}, "zeros": {zero: true}} {
		t.Run(name, func(t *testing.T) {
			var entry report.Entry
			var proposal advice.Proposal
			v := reflect.ValueOf(&entry).Elem()
			for i := range v.NumField() {
				if v.Type().Field(i).Name != "Proposal" { // which a ledger that is kept does not have
					fill.fill(t, v.Field(i))
				}
			}
			fill.fill(t, reflect.ValueOf(&proposal).Elem())
			want := report.Ledger{Days: 14, Resources: []report.Entry{entry, {}}, Recommendations: []advice.Proposal{proposal}}
			m := NewMemory()
			if err := m.SawLargeLedger(want); err != nil {
				t.Fatal(err)
			}
			got := m.Snapshot().Ledger
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Error(diff)
			}
			if got != m.Snapshot().Ledger {
				t.Error("it is unpacked twice for two who look at it at the same time")
			}
			if at := got.Resources[0].Created.Location(); at != time.UTC {
				t.Errorf("its times are in %s", at)
			}
		})
	}
}
