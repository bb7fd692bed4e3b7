;; The one function in which training in the page spends most of its time: it multiplies two
;; matrices and adds the product to a third. In JavaScript it would be
;;
;;   for (let row = 0; row < rows; row++)
;;     for (let column = 0; column < columns; column++)
;;       for (let i = 0; i < inner; i++) c[row][column] += a[row][i] * b[i][column];
;;
;; This takes a fortieth of the time, because it computes four rows of eight columns at once and
;; holds their sums in registers, four numbers in each. `make wasm` makes matrix.wasm of this file.
;;
;; All numbers are float32, and `$a`, `$b` and `$c` are where they lie in the memory, in bytes.
;; Those in a row of `b` or `c` lie side by side. In `a` it is `$right` bytes from a number to the
;; next in its row, and `$down` bytes to that below it, so that `a` can also be the transpose of
;; what lies there.
(module
  (import "page" "memory" (memory 1))
  (global $down (mut i32) (i32.const 0))
  (global $right (mut i32) (i32.const 0))
  (global $width (mut i32) (i32.const 0)) ;; of a row of `b` or `c`, in bytes
  (global $inner (mut i32) (i32.const 0)) ;; how many products are summed

  (func (export "addProduct")
    (param $a i32) (param $down i32) (param $right i32) (param $b i32) (param $c i32)
    (param $rows i32) (param $inner i32) (param $columns i32)
    (global.set $down (local.get $down))
    (global.set $right (local.get $right))
    (global.set $width (i32.mul (i32.const 4) (local.get $columns)))
    (global.set $inner (local.get $inner))
    (loop $across
      (if (i32.ge_u (local.get $columns) (i32.const 8))
        (then
          (call $eight_columns (local.get $a) (local.get $b) (local.get $c) (local.get $rows))
          (local.set $b (i32.add (local.get $b) (i32.const 32)))
          (local.set $c (i32.add (local.get $c) (i32.const 32)))
          (local.set $columns (i32.sub (local.get $columns) (i32.const 8))))
        (else
          (call $one_column (local.get $a) (local.get $b) (local.get $c) (local.get $rows))
          (local.set $b (i32.add (local.get $b) (i32.const 4)))
          (local.set $c (i32.add (local.get $c) (i32.const 4)))
          (local.set $columns (i32.sub (local.get $columns) (i32.const 1)))))
      (br_if $across (local.get $columns))))

  ;; Eight columns of `c`, from top to bottom: four rows at once, and then those that are left
  (func $eight_columns (param $a i32) (param $b i32) (param $c i32) (param $rows i32)
    (local $taken i32)
    (loop $downwards
      (if (i32.ge_u (local.get $rows) (i32.const 4))
        (then
          (call $four_by_eight (local.get $a) (local.get $b) (local.get $c))
          (local.set $taken (i32.const 4)))
        (else
          (call $one_by_eight (local.get $a) (local.get $b) (local.get $c))
          (local.set $taken (i32.const 1))))
      (local.set $a (i32.add (local.get $a) (i32.mul (local.get $taken) (global.get $down))))
      (local.set $c (i32.add (local.get $c) (i32.mul (local.get $taken) (global.get $width))))
      (local.set $rows (i32.sub (local.get $rows) (local.get $taken)))
      (br_if $downwards (local.get $rows))))

  (func $four_by_eight (param $a0 i32) (param $b i32) (param $c i32)
    (local $a1 i32) (local $a2 i32) (local $a3 i32) (local $left i32)
    (local $right i32) (local $width i32) ;; copies: the loop reads them faster than globals
    (local $factor v128) (local $b0 v128) (local $b4 v128)
    (local $sum00 v128) (local $sum04 v128)
    (local $sum10 v128) (local $sum14 v128)
    (local $sum20 v128) (local $sum24 v128)
    (local $sum30 v128) (local $sum34 v128)
    (local.set $a1 (i32.add (local.get $a0) (global.get $down)))
    (local.set $a2 (i32.add (local.get $a1) (global.get $down)))
    (local.set $a3 (i32.add (local.get $a2) (global.get $down)))
    (local.set $right (global.get $right))
    (local.set $width (global.get $width))
    (local.set $left (global.get $inner))
    (loop $next
      (local.set $b0 (v128.load (local.get $b)))
      (local.set $b4 (v128.load offset=16 (local.get $b)))
      (local.set $factor (v128.load32_splat (local.get $a0)))
      (local.set $sum00
        (f32x4.add (local.get $sum00) (f32x4.mul (local.get $factor) (local.get $b0))))
      (local.set $sum04
        (f32x4.add (local.get $sum04) (f32x4.mul (local.get $factor) (local.get $b4))))
      (local.set $factor (v128.load32_splat (local.get $a1)))
      (local.set $sum10
        (f32x4.add (local.get $sum10) (f32x4.mul (local.get $factor) (local.get $b0))))
      (local.set $sum14
        (f32x4.add (local.get $sum14) (f32x4.mul (local.get $factor) (local.get $b4))))
      (local.set $factor (v128.load32_splat (local.get $a2)))
      (local.set $sum20
        (f32x4.add (local.get $sum20) (f32x4.mul (local.get $factor) (local.get $b0))))
      (local.set $sum24
        (f32x4.add (local.get $sum24) (f32x4.mul (local.get $factor) (local.get $b4))))
      (local.set $factor (v128.load32_splat (local.get $a3)))
      (local.set $sum30
        (f32x4.add (local.get $sum30) (f32x4.mul (local.get $factor) (local.get $b0))))
      (local.set $sum34
        (f32x4.add (local.get $sum34) (f32x4.mul (local.get $factor) (local.get $b4))))
      (local.set $a0 (i32.add (local.get $a0) (local.get $right)))
      (local.set $a1 (i32.add (local.get $a1) (local.get $right)))
      (local.set $a2 (i32.add (local.get $a2) (local.get $right)))
      (local.set $a3 (i32.add (local.get $a3) (local.get $right)))
      (local.set $b (i32.add (local.get $b) (local.get $width)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $add_eight (local.get $c) (local.get $sum00) (local.get $sum04))
    (local.set $c (i32.add (local.get $c) (global.get $width)))
    (call $add_eight (local.get $c) (local.get $sum10) (local.get $sum14))
    (local.set $c (i32.add (local.get $c) (global.get $width)))
    (call $add_eight (local.get $c) (local.get $sum20) (local.get $sum24))
    (local.set $c (i32.add (local.get $c) (global.get $width)))
    (call $add_eight (local.get $c) (local.get $sum30) (local.get $sum34)))

  (func $one_by_eight (param $a i32) (param $b i32) (param $c i32)
    (local $left i32) (local $factor v128) (local $sum0 v128) (local $sum4 v128)
    (local.set $left (global.get $inner))
    (loop $next
      (local.set $factor (v128.load32_splat (local.get $a)))
      (local.set $sum0
        (f32x4.add (local.get $sum0) (f32x4.mul (local.get $factor) (v128.load (local.get $b)))))
      (local.set $sum4
        (f32x4.add (local.get $sum4)
          (f32x4.mul (local.get $factor) (v128.load offset=16 (local.get $b)))))
      (local.set $a (i32.add (local.get $a) (global.get $right)))
      (local.set $b (i32.add (local.get $b) (global.get $width)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $add_eight (local.get $c) (local.get $sum0) (local.get $sum4)))

  (func $add_eight (param $c i32) (param $sum0 v128) (param $sum4 v128)
    (v128.store (local.get $c) (f32x4.add (v128.load (local.get $c)) (local.get $sum0)))
    (v128.store offset=16 (local.get $c)
      (f32x4.add (v128.load offset=16 (local.get $c)) (local.get $sum4))))

  ;; One column of `c`, number by number: one that is left when the others are taken in eights
  (func $one_column (param $a i32) (param $b i32) (param $c i32) (param $rows i32)
    (local $ai i32) (local $bi i32) (local $left i32) (local $sum f32)
    (loop $downwards
      (local.set $ai (local.get $a))
      (local.set $bi (local.get $b))
      (local.set $left (global.get $inner))
      (local.set $sum (f32.load (local.get $c)))
      (loop $next
        (local.set $sum
          (f32.add (local.get $sum)
            (f32.mul (f32.load (local.get $ai)) (f32.load (local.get $bi)))))
        (local.set $ai (i32.add (local.get $ai) (global.get $right)))
        (local.set $bi (i32.add (local.get $bi) (global.get $width)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (f32.store (local.get $c) (local.get $sum))
      (local.set $a (i32.add (local.get $a) (global.get $down)))
      (local.set $c (i32.add (local.get $c) (global.get $width)))
      (br_if $downwards (local.tee $rows (i32.sub (local.get $rows) (i32.const 1)))))))
