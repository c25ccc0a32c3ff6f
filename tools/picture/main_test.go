package main

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// A picture keeps its top and its most frequent colours, exactly, and a rare one becomes the nearest.
func TestPicture(t *testing.T) {
	screenshot := image.NewRGBA(image.Rect(0, 0, 300, 20))
	for y := range 20 {
		for x := range 300 {
			screenshot.Set(x, y, color.RGBA{uint8(x), 0, 0, 255}) // 44 of the 256 twice as often
		}
	}
	screenshot.Set(7, 3, color.RGBA{100, 1, 0, 255})
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a.png"), filepath.Join(dir, "b.png")
	file, err := os.Create(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, screenshot); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if err := run([]string{from, to}, 10); err != nil {
		t.Fatal(err)
	}
	file, err = os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size != image.Pt(300, 10) {
		t.Errorf("its size is %v", size)
	}
	for _, at := range []struct {
		x, y int
		red  uint32
	}{{0, 0, 0}, {200, 9, 200}, {299, 5, 299 - 256}, {7, 3, 100}} {
		if red, green, _, _ := picture.At(at.x, at.y).RGBA(); red>>8 != at.red || green != 0 {
			t.Errorf("at %d, %d its colour is %d, %d, want %d, 0", at.x, at.y, red>>8, green>>8, at.red)
		}
	}
	for _, files := range [][]string{nil, {from}, {filepath.Join(dir, "none.png"), to}} {
		if err := run(files, 0); err == nil {
			t.Errorf("%q: no error", files)
		}
	}
}
