//! Memory on the device, and memory of the host that the device reads directly.

use super::error::driver;
use super::{CudaError, Device};
use crate::KernelError;
use bytemuck::Pod;
use cudarc::driver::sys;
use std::marker::PhantomData;
use std::sync::Arc;

/// What the driver gave, freed once.
#[derive(Debug)]
struct Allocation {
    address: u64,
    device: Arc<Device>,
}

/// Numbers in device memory: all of an allocation or a part of it.
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    pub(super) address: u64,
    len: usize,
    device: Arc<Device>,
    allocation: Arc<Allocation>,
    of: PhantomData<T>,
}

impl<T: Pod> Buffer<T> {
    /// Room for `len` numbers, all bits zero.
    ///
    /// # Errors
    /// [`CudaError::OutOfMemory`] with what was asked for and what is there.
    pub fn zeroed(device: &Arc<Device>, len: usize) -> Result<Self, CudaError> {
        let bytes = (len * size_of::<T>()).max(16);
        let mut address = 0;
        device.enter()?;
        // SAFETY: `address` is a place for one address.
        let answer = unsafe { sys::cuMemAlloc_v2(&raw mut address, bytes) };
        if answer == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            let (free, total) = device.memory()?;
            return Err(CudaError::OutOfMemory { wanted: bytes, free, total });
        }
        driver("cuMemAlloc", answer)?;
        let allocation = Arc::new(Allocation { address, device: device.clone() });
        let buffer = Self { address, len, device: device.clone(), allocation, of: PhantomData };
        // SAFETY: the allocation is `bytes` long.
        driver("cuMemsetD8", unsafe { sys::cuMemsetD8Async(address, 0, bytes, device.stream) })?;
        Ok(buffer)
    }

    /// A copy of numbers of the host.
    ///
    /// # Errors
    /// As [`Buffer::zeroed`].
    pub fn of(device: &Arc<Device>, numbers: &[T]) -> Result<Self, CudaError> {
        let buffer = Self::zeroed(device, numbers.len())?;
        buffer.write(0, numbers)?;
        Ok(buffer)
    }

    /// `len` numbers of another type from byte `at` on, in the same memory.
    ///
    /// # Errors
    /// They are not inside, or `at` is not aligned for them.
    pub fn part<U: Pod>(&self, at: usize, len: usize) -> Result<Buffer<U>, CudaError> {
        let (end, bytes) = (at + len * size_of::<U>(), self.len * size_of::<T>());
        if end > bytes || !at.is_multiple_of(align_of::<U>()) {
            return Err(KernelError::Index { kernel: "part", operand: "end", index: end, count: bytes + 1 }.into());
        }
        let (device, allocation) = (self.device.clone(), self.allocation.clone());
        Ok(Buffer { address: self.address + at as u64, len, device, allocation, of: PhantomData })
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The device, if it is `wanted`.
    pub(super) fn device_of(&self, wanted: &Device) -> Option<Arc<Device>> {
        std::ptr::eq(&raw const *self.device, wanted).then(|| self.device.clone())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes numbers of the host from `at` on; they are copied when this returns.
    ///
    /// # Errors
    /// The numbers don't fit, or the driver fails.
    pub fn write(&self, at: usize, numbers: &[T]) -> Result<(), CudaError> {
        self.check("write", at, numbers.len())?;
        if numbers.is_empty() {
            return Ok(());
        }
        let (to, bytes) = (self.address + (at * size_of::<T>()) as u64, size_of_val(numbers));
        // SAFETY: the range was checked; the host's memory is borrowed until the call returns, and from pageable memory
        // the driver has copied it by then.
        driver("cuMemcpyHtoD", unsafe {
            sys::cuMemcpyHtoDAsync_v2(to, numbers.as_ptr().cast(), bytes, self.device.stream)
        })?;
        self.device.synchronize()
    }

    /// Copies the first `count` numbers of pinned memory to `at`, in the order of the stream.
    ///
    /// # Errors
    /// The numbers don't fit, or the driver fails.
    pub fn write_pinned(&self, at: usize, from: &Pinned<T>, count: usize) -> Result<(), CudaError> {
        self.check("write_pinned", at, count)?;
        if count > from.len {
            return Err(KernelError::Size { kernel: "write_pinned", operand: "count", size: count }.into());
        }
        let (to, bytes) = (self.address + (at * size_of::<T>()) as u64, count * size_of::<T>());
        // SAFETY: both ranges were checked; pinned memory lives as long as its device, which waits when it is dropped.
        driver("cuMemcpyHtoD", unsafe {
            sys::cuMemcpyHtoDAsync_v2(to, from.start.cast_const().cast(), bytes, self.device.stream)
        })
    }

    /// Copies `count` numbers from `at` on from the same place in pinned memory, in the order of copies: while earlier launches
    /// run. They must not use what it writes, and later ones wait for it only after an event
    /// ([`Event::record_copies`](super::Event::record_copies)).
    ///
    /// # Errors
    /// The numbers are not in both, or the driver fails.
    pub fn send(&self, from: &Pinned<T>, at: usize, count: usize) -> Result<(), CudaError> {
        self.check("send", at, count)?;
        if at + count > from.len {
            return Err(KernelError::Size { kernel: "send", operand: "end", size: at + count }.into());
        }
        if count == 0 {
            return Ok(());
        }
        let (to, bytes) = (self.address + (at * size_of::<T>()) as u64, count * size_of::<T>());
        // SAFETY: as in `write_pinned`; the pinned memory has `at + count` numbers.
        driver("cuMemcpyHtoD", unsafe {
            sys::cuMemcpyHtoDAsync_v2(to, from.start.add(at).cast_const().cast(), bytes, self.device.copies)
        })
    }

    /// Copies `count` numbers from `at` on to place `place` of pinned memory, in the order of the stream: read them after a wait.
    ///
    /// # Errors
    /// The numbers don't fit, or the driver fails.
    pub fn fetch(&self, at: usize, count: usize, to: &mut Pinned<T>, place: usize) -> Result<(), CudaError> {
        self.check("fetch", at, count)?;
        if place + count > to.len {
            return Err(KernelError::Size { kernel: "fetch", operand: "end", size: place + count }.into());
        }
        let (from, bytes) = (self.address + (at * size_of::<T>()) as u64, count * size_of::<T>());
        // SAFETY: as in `write_pinned`; the pinned memory has `place + count` numbers.
        driver("cuMemcpyDtoH", unsafe {
            sys::cuMemcpyDtoHAsync_v2(to.start.add(place).cast(), from, bytes, self.device.stream)
        })
    }

    /// Copies all numbers of a buffer of the same length, on the device.
    ///
    /// # Errors
    /// The lengths differ; what the device says.
    pub fn copy_from(&self, from: &Self) -> Result<(), CudaError> {
        from.check("copy_from", 0, self.len)?;
        // SAFETY: both are as long as `self`.
        driver("cuMemcpyDtoD", unsafe {
            sys::cuMemcpyDtoDAsync_v2(self.address, from.address, self.len * size_of::<T>(), self.device.stream)
        })
    }

    /// Reads numbers from `at` on, after everything that was launched.
    ///
    /// # Errors
    /// The numbers are not there, or something that was launched failed.
    pub fn read(&self, at: usize, numbers: &mut [T]) -> Result<(), CudaError> {
        self.check("read", at, numbers.len())?;
        if numbers.is_empty() {
            return Ok(());
        }
        let (from, bytes) = (self.address + (at * size_of::<T>()) as u64, size_of_val(numbers));
        // SAFETY: the range was checked; the host's memory is borrowed mutably until the copy is complete.
        driver("cuMemcpyDtoH", unsafe {
            sys::cuMemcpyDtoHAsync_v2(numbers.as_mut_ptr().cast(), from, bytes, self.device.stream)
        })?;
        self.device.synchronize()
    }

    /// All numbers, after everything that was launched.
    ///
    /// # Errors
    /// As [`Buffer::read`].
    pub fn to_vec(&self) -> Result<Vec<T>, CudaError> {
        let mut numbers = vec![T::zeroed(); self.len];
        self.read(0, &mut numbers)?;
        Ok(numbers)
    }

    fn check(&self, kernel: &'static str, at: usize, count: usize) -> Result<(), CudaError> {
        match at.checked_add(count) {
            Some(end) if end <= self.len => Ok(()),
            _ => {
                Err(KernelError::Index { kernel, operand: "end", index: at.saturating_add(count), count: self.len }
                    .into())
            }
        }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: allocated by `cuMemAlloc`, freed once; the call waits for what uses it.
            unsafe { sys::cuMemFree_v2(self.address) };
        }
    }
}

/// Numbers of the host at fixed physical addresses: copies from and to them need no staging and don't wait.
#[derive(Debug)]
pub struct Pinned<T> {
    start: *mut T,
    len: usize,
    device: Arc<Device>,
}

// SAFETY: it owns its memory like a box; the device it belongs to may be used from any thread.
unsafe impl<T: Send> Send for Pinned<T> {}

impl<T: Pod> Pinned<T> {
    /// Room for `len` numbers, all bits zero.
    ///
    /// # Errors
    /// The driver has no such memory left.
    pub fn zeroed(device: &Arc<Device>, len: usize) -> Result<Self, CudaError> {
        let mut start = std::ptr::null_mut();
        let bytes = (len * size_of::<T>()).max(16);
        device.enter()?;
        // SAFETY: `start` is a place for one address.
        driver("cuMemHostAlloc", unsafe { sys::cuMemHostAlloc(&raw mut start, bytes, 0) })?;
        // SAFETY: the allocation is `bytes` long.
        unsafe { std::ptr::write_bytes(start.cast::<u8>(), 0, bytes) };
        Ok(Self { start: start.cast(), len, device: device.clone() })
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: allocated with room for `len` numbers of a type for which any bits are a value.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The numbers, to be written. Copies from here that are under way must have ended.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`; `&mut self` is the only way to them on the host.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl<T> Drop for Pinned<T> {
    fn drop(&mut self) {
        if self.device.synchronize().is_ok() {
            // SAFETY: allocated by `cuMemHostAlloc`, freed once, after all copies have ended.
            unsafe { sys::cuMemFreeHost(self.start.cast()) };
        }
    }
}
